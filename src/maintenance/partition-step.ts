/** What the schedule does to one partition, as a list of steps that know nothing of one another: a file each. */
import type { Held } from '../cluster/lease.ts'
import type { Head } from '../log/head.ts'
import type { PartitionId } from '../log/keys.ts'
import type { Topic } from '../log/topics.ts'
import type { ByteCache } from '../runtime/byte-cache.ts'
import type { Core } from '../runtime/core.ts'
import type { Upkeep } from './upkeep.ts'

/** A partition as it was read at the beginning of a look. */
export type Seen = { readonly topic: Topic; readonly id: PartitionId; readonly head: Head; readonly upkeep: Upkeep }

/** What a run did to partitions. Sums of all of them, but for the oldest. */
export type PartitionFigures = {
  rolledChunks: number
  rolledBytes: number
  segments: number
  /** Segments that became part of a larger one. */
  mergedSegments: number
  /** Swaps and cleanings that another run was faster at. */
  lostRaces: number
  deletedBlobs: number
  /** What retention has put below the logs' starts. */
  retiredBytes: number
  /** Entries of the indexes that went after it. */
  removedEntries: number
  forgottenProducers: number
  /** Objects of segments that nobody named, and their bytes. */
  sweptSegments: number
  sweptBytes: number
  /** Segments that compaction has written anew, and the bytes that are gone by it. */
  compactedSegments: number
  compactedBytes: number
  /** What waits and is due, as far as it was looked at. */
  backlogBytes: number
}

export const noFigures = (): PartitionFigures => ({
  rolledChunks: 0,
  rolledBytes: 0,
  segments: 0,
  mergedSegments: 0,
  lostRaces: 0,
  deletedBlobs: 0,
  retiredBytes: 0,
  removedEntries: 0,
  forgottenProducers: 0,
  sweptSegments: 0,
  sweptBytes: 0,
  compactedSegments: 0,
  compactedBytes: 0,
  backlogBytes: 0,
})

export type Slice = Seen & {
  /** The partition's lease, whose epoch every change of the index is conditional on. */
  readonly lease: Held
  readonly timeIsUp: () => boolean
  /** Added to by the step. */
  readonly figures: PartitionFigures
  /** Whole blobs that several partitions have batches in, for as long as the topic is being worked on. */
  readonly shared: ByteCache<Uint8Array>
  /** How many partitions of the topic are worked on side by side: they share the memory. */
  readonly partitions: number
}

export type StepOutcome = {
  /** What the next look should know. */
  readonly upkeep: Upkeep
  /** There is more to do at once. */
  readonly more: boolean
  /** The head, where the step knows a later one. */
  readonly head?: Head
}

export type PartitionStep = {
  readonly name: string
  /** Whether there may be something to do, by what is known without a call. */
  isDue(seen: Seen, nowMs: number): boolean
  /** A bounded piece of the work. @throws StoreError */
  run(core: Core, slice: Slice): Promise<StepOutcome>
}
