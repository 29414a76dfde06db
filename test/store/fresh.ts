import { randomUUID } from 'node:crypto'
import type { Key } from '../../src/store/items.ts'

/** A name that no earlier run used. */
export const freshName = (): string => `contract-${randomUUID()}`

/** A key that no earlier run used. */
export const freshKey = (sk = 'item'): Key => ({ pk: freshName(), sk })

/** `length` bytes that repeat only every 251. */
export const someBytes = (length: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i + seed) % 251)
