/** What every embedded object store holds to: names that are safe as files, S3's limits, one line a call for the meter. */
import { StoreError } from './errors.ts'
import { limits } from './limits.ts'
import type { StoreUse } from './meter.ts'
import { utf8Bytes } from './sizes.ts'

/** The longest file name that common file systems take. */
const nameBytes = 255

/** Throws unless the key is a relative path of plain names: no empty one, no `.` or `..`, no NUL, nothing over-long. */
export function checkObjectKey(key: string): void {
  const bad = (why: string) => new Error(`object key ${JSON.stringify(key.slice(0, 80))} ${why}`)
  if (utf8Bytes(key) > limits.objectKeyBytes) throw bad(`is longer than ${limits.objectKeyBytes} bytes`)
  if (key.includes('\0') || key.includes('\\')) throw bad('holds a NUL or a backslash')
  for (const name of key.split('/')) {
    if (name === '') throw bad('is empty, absolute, or has an empty part')
    if (name === '.' || name === '..') throw bad('leads elsewhere')
    if (utf8Bytes(name) > nameBytes) throw bad(`has a part longer than ${nameBytes} bytes`)
  }
}

/** Total bytes of the parts. */
export function checkObjectSize(parts: readonly Uint8Array[]): number {
  const size = parts.reduce((bytes, part) => bytes + part.byteLength, 0)
  if (size > limits.objectBytes) throw new StoreError('too-large', `an object has at most ${limits.objectBytes} bytes`)
  return size
}

export function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.byteLength
  }
  return bytes
}

export const objectUse = (
  call: 'get' | 'put' | 'list' | 'delete',
  bytes: number,
  outcome: StoreUse['outcome'] = 'ok',
): StoreUse => ({ store: 'objects', call, readUnits: 0, writeUnits: 0, bytes, outcome })
