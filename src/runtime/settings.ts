/** What an operator may choose. Names follow Kafka's broker settings where there is one. */
export type Settings = {
  /** `auto.create.topics.enable`: a produce to a missing topic, or a Metadata request that allows it, creates it. */
  readonly autoCreateTopics: boolean
  /** `num.partitions`: partitions of a topic created without a count. */
  readonly defaultPartitions: number
  /** The most partitions one topic may have. */
  readonly maxPartitions: number
  /** How long one append may go on trying before it answers that the outcome is unknown or the store is down. */
  readonly appendTimeoutMs: number
  /** `offsets.retention.minutes`: how long offsets outlive the group's last member, or a simple consumer's last commit. */
  readonly offsetsRetentionMinutes: number
  /** Bytes of immutable data (refs, blobs) this process may keep. */
  readonly cacheBytes: number
  /** Keeps what was appended here, for readers that follow the log here too: of use to a broker, not to a function. */
  readonly cachesAppended: boolean
  /** `group.min.session.timeout.ms` */
  readonly groupMinSessionTimeoutMs: number
  /** `group.max.session.timeout.ms` */
  readonly groupMaxSessionTimeoutMs: number
  /** `group.max.size`: members of one group. */
  readonly groupMaxSize: number
  /** `group.initial.rebalance.delay.ms`: how long the first round of an empty group waits for more members. */
  readonly groupInitialRebalanceDelayMs: number
}

export const defaultSettings: Settings = {
  autoCreateTopics: true,
  defaultPartitions: 1,
  maxPartitions: 1_000,
  appendTimeoutMs: 10_000,
  offsetsRetentionMinutes: 10_080,
  cacheBytes: 32 * 1024 * 1024,
  cachesAppended: false,
  groupMinSessionTimeoutMs: 6_000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupMaxSize: 1_000,
  // Kafka waits 3 s, for consumers that are deployed together. Here a wait is what a first REST poll or a lone Lambda feels.
  groupInitialRebalanceDelayMs: 300,
}
