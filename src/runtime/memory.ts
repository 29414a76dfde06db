import type { Topic } from '../log/topics.ts'
import { type ByteCache, byteCache } from './byte-cache.ts'
import type { Turns } from './in-turn.ts'
import { type Wakeups, wakeups } from './wakeups.ts'

/**
 * What a process may forget at any moment: caches of immutable data, topics seen, readers waiting for news. Nothing here is
 * ever the truth.
 */
export type Memory = {
  /**
   * Immutable bytes of blobs and parsed index entries, by key. Also hints, which may be old: who goes by one is set right by a
   * condition, or does a little twice.
   */
  readonly immutable: ByteCache<unknown>
  /** Topics by name, as last read; checked against every head's config version. */
  readonly topics: Map<string, Topic>
  readonly wakeups: Wakeups
  /** The last stamp taken, without its era, and how far others’ were ahead of this clock (log/stamp.ts). */
  readonly stamps: { lastTicks: number; aheadTicks: number }
  /** The greatest leader epoch met in a view of the cluster or in a head: a view of less has been lost (cluster/member.ts). */
  readonly epochs: { greatest: number }
  /** The idempotent producers of partitions, as last seen in their heads, by partition (log/producers.ts). */
  readonly producers: Map<string, SeenProducers>
  /** Commits under way, by the item of the offset (groups/offsets.ts). */
  readonly commits: Turns
  /** When the first batch of a producer's sequence last came by, by partition, producer and epoch: uptime (log/producers.ts). */
  readonly beginnings: Map<string, number>
}

/** Of a head: its next offset, the packed states of its producers by attribute, and how often producers were spilled. */
export type SeenProducers = {
  readonly next: number
  readonly producers: ReadonlyMap<string, Uint8Array>
  readonly spills: number
}

export const freshMemory = (cacheBytes: number): Memory => ({
  immutable: byteCache(cacheBytes),
  topics: new Map(),
  wakeups: wakeups(),
  stamps: { lastTicks: 0, aheadTicks: 0 },
  epochs: { greatest: 0 },
  producers: new Map(),
  commits: new Map(),
  beginnings: new Map(),
})
