/** What a read of a partition takes its batches from: refs, whose blobs hold them, or spans of a segment. */
import type { Core } from '../runtime/core.ts'
import { readRefs } from './blob.ts'
import type { Ref } from './ref.ts'
import { type ObjectPart, readParts } from './segment-read.ts'

/** Offsets `base` to `end - 1`, in about `length` bytes. */
type Stretch = { readonly base: number; readonly end: number; readonly length: number }
/** Batches under a ref are counted from `base`. */
export type PieceOfRef = Stretch & { readonly ref: Ref }
/** Batches of a segment know their offsets. */
export type PieceOfSegment = Stretch & { readonly part: ObjectPart }
export type Piece = PieceOfRef | PieceOfSegment

/** All of them side by side in one round trip. `undefined` where the data is gone and has to be resolved again. */
export async function readPieces(
  core: Core,
  pieces: readonly Piece[],
  readers: number,
): Promise<readonly (Uint8Array | undefined)[]> {
  const refs = pieces.flatMap((piece) => ('ref' in piece ? [piece.ref] : []))
  const parts = pieces.flatMap((piece) => ('part' in piece ? [piece.part] : []))
  const [ofRefs, ofParts] = await Promise.all([readRefs(core, refs), readParts(core, parts, readers)])
  let [ref, part] = [0, 0]
  return pieces.map((piece) => ('ref' in piece ? ofRefs[ref++] : ofParts[part++]))
}
