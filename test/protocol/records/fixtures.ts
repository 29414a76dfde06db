import { readFileSync } from 'node:fs'
import type { BatchHeader, StoredRecord } from '../../../src/protocol/records/batch.ts'
import { crc32c } from '../../../src/protocol/records/crc32c.ts'

const folder = new URL('../../fixtures/records/', import.meta.url)

/** A blob as test/fixtures/java/src/Describe.java prints it: base64, or length and CRC-32C of a long one. */
type PrintedBlob = string | [length: number, crc: number] | null
type PrintedRecord = {
  offset: number
  timestampMs: number
  key: PrintedBlob
  value: PrintedBlob
  headers: { key: string; value: PrintedBlob }[]
}

/** Bytes that Kafka's Java classes wrote. A plain Uint8Array: views of Node's shared pool have surprises of their own. */
export const bytesOf = (file: string): Uint8Array => Uint8Array.from(readFileSync(new URL(file, folder)))

export const batchOf = (name: string): Uint8Array => bytesOf(`${name}.bin`)

/** What Kafka's Java reader found in a fixture. */
export function foundByJava(name: string): { header: BatchHeader; records: PrintedRecord[] } {
  // The generator writes exactly this shape, one batch a file.
  const [batch] = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as [
    { header: BatchHeader; records: PrintedRecord[] },
  ]
  return batch
}

export const murmur2Vectors = (): [keyHex: string, hash: number, ofTwelve: number][] =>
  JSON.parse(readFileSync(new URL('murmur2.json', folder), 'utf8'))

/** A record as Java prints it. */
export const printed = ({ offset, timestampMs, key, value, headers }: StoredRecord): PrintedRecord => ({
  offset,
  timestampMs,
  key: blob(key),
  value: blob(value),
  headers: headers.map((header) => ({ key: header.key, value: blob(header.value) })),
})

function blob(bytes: Uint8Array | null): PrintedBlob {
  if (bytes === null) return null
  return bytes.length <= 1000 ? Buffer.from(bytes).toString('base64') : [bytes.length, crc32c(bytes)]
}
