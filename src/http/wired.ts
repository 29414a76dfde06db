import { replyBytesMax } from './limits.ts'

const jsonBytes = (body: string): number => Buffer.byteLength(JSON.stringify(body))
const base64Bytes = (bytes: number): number => Math.ceil(bytes / 3) * 4

/** How many bytes of Lambda's result a body of `bytes` bytes takes, in the smaller of its two forms. */
export const wiredBytes = (body: string, bytes: number): number => Math.min(base64Bytes(bytes), jsonBytes(body))

/** Lambda's result is JSON, in which a body full of quotes grows to nearly twice its size: then base64 is the smaller form. */
export function wired(
  body: string | Uint8Array,
  bytes: number,
): { readonly body: string; readonly isBase64Encoded: boolean } {
  if (typeof body !== 'string') return { body: Buffer.from(body).toString('base64'), isBase64Encoded: true }
  if (bytes * 2 < replyBytesMax || jsonBytes(body) <= base64Bytes(bytes)) return { body, isBase64Encoded: false }
  return { body: Buffer.from(body).toString('base64'), isBase64Encoded: true }
}
