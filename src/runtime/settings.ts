/** What an operator may choose. Names follow Kafka's broker settings where there is one. */
export type Settings = {
  /** `auto.create.topics.enable`: a produce to a missing topic creates it. */
  readonly autoCreateTopics: boolean
  /** `num.partitions`: partitions of a topic created without a count. */
  readonly defaultPartitions: number
  /** The most partitions one topic may have. */
  readonly maxPartitions: number
  /** How long one append may go on trying before it answers that the outcome is unknown or the store is down. */
  readonly appendTimeoutMs: number
  /** Bytes of immutable data (refs, blobs) this process may keep. */
  readonly cacheBytes: number
}

export const defaultSettings: Settings = {
  autoCreateTopics: true,
  defaultPartitions: 1,
  maxPartitions: 1_000,
  appendTimeoutMs: 10_000,
  cacheBytes: 32 * 1024 * 1024,
}
