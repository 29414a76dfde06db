/** One look at one partition: what it goes by, and what it finds. */
import type { PartitionId } from '../log/keys.ts'
import type { Topic } from '../log/topics.ts'
import { StoreError } from '../store/errors.ts'

/** Something that cannot be. `about`: the same at every look, though the figures in `says` may move. */
export type Finding = { readonly about: string; readonly says: string }

/** What was looked at. */
export type Looked = {
  partitions: number
  chunks: number
  segments: number
  blobs: number
  /** As many as the records were when they were appended; compaction may have left fewer. */
  offsets: number
  bytes: number
}

/** One look at one partition. */
export type Look = {
  readonly topic: Topic
  readonly id: PartitionId
  /** Every byte is read and every checksum worked out; else only that the bytes are there. */
  readonly deep: boolean
  readonly looked: Looked
  /** Objects that are named and not there. */
  readonly missing: Set<string>
  find(about: string, says: string): void
}

export const nothingLooked = (): Looked => ({
  partitions: 0,
  chunks: 0,
  segments: 0,
  blobs: 0,
  offsets: 0,
  bytes: 0,
})

/** What the reading of something found to be wrong with it. `undefined` where it was. */
export async function readable<T>(look: Look, about: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof StoreError && error.trouble !== 'misconfigured') throw error
    look.find(about, `${about} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}
