/**
 * Reading segments. Whoever reads one in sequence gets it in blocks, aligned and kept in memory: one GET per 4 MiB of history, and
 * what is left of a segment comes with its last block. A lone read somewhere gets what it needs and no more. What is in sequence is told by where the last read in the same block ended;
 * a read of a segment's beginning, or of a block's worth, counts as one.
 */
import type { Core } from '../runtime/core.ts'
import { segmentHeaderBytes } from './segment.ts'

/** Bytes `from` to `to - 1` of an object whose batches end at `dataEnd`. */
export type ObjectPart = {
  readonly key: string
  readonly from: number
  readonly to: number
  readonly dataEnd: number
}

const blockBytesMost = 4 * 1024 * 1024
const blockBytesLeast = 256 * 1024

/**
 * The parts, side by side in one round trip; those that follow one another are read as one. `undefined` where the object is gone.
 * @param readers how many partitions are read at once: their blocks share the memory
 */
export async function readParts(
  core: Core,
  parts: readonly ObjectPart[],
  readers: number,
): Promise<readonly (Uint8Array | undefined)[]> {
  const blockBytes = blockBytesFor(core, readers)
  const results: (Uint8Array | undefined)[] = new Array(parts.length)
  await Promise.all(
    runsOf(parts).map(async ({ first, run }) => {
      const bytes = await readRun(core, run, blockBytes)
      for (let at = first; bytes && at < parts.length; at++) {
        const part = parts[at]
        if (!part || part.key !== run.key || part.to > run.to) break
        results[at] = bytes.subarray(part.from - run.from, part.to - run.from)
      }
    }),
  )
  return results
}

/** The largest blocks of which all readers can keep two, a last one among them; 0 where they would be too small to be worth it. */
function blockBytesFor(core: Core, readers: number): number {
  let bytes = blockBytesMost
  while (bytes * 3 * readers > core.settings.cacheBytes) bytes /= 2
  return bytes >= blockBytesLeast ? bytes : 0
}

function runsOf(parts: readonly ObjectPart[]): { readonly first: number; readonly run: ObjectPart }[] {
  const runs: { first: number; run: ObjectPart }[] = []
  for (const [at, part] of parts.entries()) {
    const last = runs.at(-1)
    if (last && last.run.key === part.key && last.run.to === part.from) last.run = { ...last.run, to: part.to }
    else runs.push({ first: at, run: part })
  }
  return runs
}

async function readRun(core: Core, run: ObjectPart, blockBytes: number): Promise<Uint8Array | undefined> {
  const bytes =
    blockBytes > 0 && isInSequence(core, run, blockBytes)
      ? await readBlocks(core, run, blockBytes)
      : await whole(core.objects.get(run.key, { start: run.from, end: run.to }), run.to - run.from)
  if (bytes && blockBytes > 0) markRead(core, run, blockBytes)
  return bytes
}

/** The block of an object in which a position lies. The last one takes in what is too little for another. */
const blockAt = ({ dataEnd }: ObjectPart, position: number, blockBytes: number): number =>
  Math.min(Math.floor(position / blockBytes), Math.max(0, Math.floor(dataEnd / blockBytes) - 1))

const markKey = (key: string, block: number): string => `read ${key} ${block}`
const markBytes = 200

type Mark = { readonly from: number; readonly to: number }

function isInSequence(core: Core, run: ObjectPart, blockBytes: number): boolean {
  const { key, from, to } = run
  if (from === segmentHeaderBytes || to - from >= blockBytes) return true
  const block = blockAt(run, from, blockBytes)
  if (core.memory.immutable.get(blockKey(key, block, blockBytes))) return true
  // What lies under this key is what `markRead` put there.
  const mark = core.memory.immutable.get(markKey(key, block)) as Mark | undefined
  return mark !== undefined && mark.from <= from && from <= mark.to
}

/** For the next read, which begins where this one ended or, as batches do not end where spans do, somewhat before. */
function markRead(core: Core, run: ObjectPart, blockBytes: number): void {
  const { key, from, to } = run
  for (const block of new Set([from, to].map((position) => blockAt(run, position, blockBytes)))) {
    core.memory.immutable.set(markKey(key, block), { from, to } satisfies Mark, markBytes)
  }
}

const blockKey = (key: string, block: number, blockBytes: number): string => `${key}#${blockBytes}#${block}`

async function readBlocks(core: Core, run: ObjectPart, blockBytes: number): Promise<Uint8Array | undefined> {
  const first = blockAt(run, run.from, blockBytes)
  const count = blockAt(run, run.to - 1, blockBytes) + 1 - first
  const blocks = await Promise.all(
    Array.from({ length: count }, (_, at) => readBlock(core, run, first + at, blockBytes)),
  )
  const [only] = blocks
  const start = run.from - first * blockBytes
  if (blocks.length === 1) return only?.subarray(start, run.to - first * blockBytes)
  const there = blocks.flatMap((block) => (block ? [block] : []))
  return there.length === count ? Buffer.concat(there).subarray(start, run.to - first * blockBytes) : undefined
}

async function readBlock(core: Core, run: ObjectPart, block: number, blockBytes: number) {
  const { key, dataEnd } = run
  const name = blockKey(key, block, blockBytes)
  const held = core.memory.immutable.get(name)
  if (held instanceof Uint8Array) return held
  const isLast = block === blockAt(run, dataEnd, blockBytes)
  const [start, end] = [block * blockBytes, isLast ? dataEnd : (block + 1) * blockBytes]
  const bytes = await whole(core.objects.get(key, { start, end }), end - start)
  if (bytes) core.memory.immutable.set(name, bytes, bytes.length)
  return bytes
}

/** An object never changes and never shrinks: less than was asked for is as good as none. */
async function whole(reading: Promise<Uint8Array | undefined>, length: number): Promise<Uint8Array | undefined> {
  const bytes = await reading
  return bytes?.length === length ? bytes : undefined
}
