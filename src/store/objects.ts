/**
 * The ObjectStore port: immutable objects under a path-like key (`blobs/ab/01J…`). A key is written once and never again.
 */
import type { Meter } from './meter.ts'

/** Half open: bytes `start` to `end - 1`. */
export type ByteRange = { readonly start: number; readonly end: number }

export type StoredObject = { readonly key: string; readonly size: number; readonly modifiedMs: number }

export interface ObjectStore {
  /** Creates the object from the parts, one after the other. `exists`: the key was taken and nothing was written. */
  put(key: string, parts: readonly Uint8Array[]): Promise<'created' | 'exists'>
  /** `undefined`: no such object. A range that runs over the end gives what there is. */
  get(key: string, range?: ByteRange): Promise<Uint8Array | undefined>
  /** Keys under `prefix` in order, beginning after `after`, at most `limit`. Fewer than `limit` means: no more. */
  list(prefix: string, options: { readonly after?: string; readonly limit: number }): Promise<readonly StoredObject[]>
  /** Removes the objects; missing ones count as removed. */
  delete(keys: readonly string[]): Promise<void>
  /** The same store, whose calls are also told to `meter`. */
  metered(meter: Meter): ObjectStore
}
