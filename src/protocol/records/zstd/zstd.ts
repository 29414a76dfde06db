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

type ZstdCompress = (bytes: Uint8Array, done: (error: Error | null, result: Buffer) => void) => void
/** As above, and the cast for the same reason. */
const nativeCompress = (zlib as { zstdCompress?: ZstdCompress }).zstdCompress

const blockBytesMost = 128 * 1024
/** Magic, a descriptor that promises nothing, and a window of one block. */
const frameStart = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38)

/** By Node itself where it can; else a frame whose blocks are as they were (RFC 8878, 3.1.1.2): true to the format, and no shorter. */
export async function compressZstd(bytes: Uint8Array): Promise<Uint8Array> {
  if (nativeCompress) return promisify(nativeCompress)(bytes)
  const parts: Uint8Array[] = [frameStart]
  for (let at = 0; at === 0 || at < bytes.length; at += blockBytesMost) {
    const block = bytes.subarray(at, at + blockBytesMost)
    const header = block.length * 8 + (at + blockBytesMost >= bytes.length ? 1 : 0)
    parts.push(Uint8Array.of(header & 0xff, (header >>> 8) & 0xff, header >>> 16), block)
  }
  return Buffer.concat(parts)
}
