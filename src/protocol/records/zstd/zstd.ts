import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { corrupt } from '../varint.ts'

type ZstdDecompress = (
  bytes: Uint8Array,
  options: { maxOutputLength: number },
  done: (error: Error | null, result: Buffer) => void,
) => void

/** In `node:zlib` from Node 22.15 on. The cast is needed because the types of Node 20 do not know the name. */
const native = (zlib as { zstdDecompress?: ZstdDecompress }).zstdDecompress

const nativeDecompress = native && promisify(native)

/** Zstandard (RFC 8878), by Node itself where it can (Lambda), else in TypeScript. At most `maxBytes` come out. */
export async function decompressZstd(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  if (bytes.length === 0) throw corrupt('there is no zstd frame')
  if (nativeDecompress) return nativeDecompress(bytes, { maxOutputLength: maxBytes })
  // Only where it is needed: it builds tables when loaded.
  const { decompressFrames } = await import('./frame.ts')
  return decompressFrames(bytes, maxBytes)
}
