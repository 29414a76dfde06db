import { appendBytes, growing, grown } from './growing.ts'

export async function decompressFrames(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const { Decompress } = await import('fzstd')
  const out = growing(Math.min(bytes.length * 4, 1 << 20), maxBytes)
  new Decompress((chunk) => appendBytes(out, chunk)).push(bytes, true)
  return grown(out)
}
