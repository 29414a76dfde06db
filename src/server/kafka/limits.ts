/** What the Kafka port takes. No client, however it behaves, makes it hold more. */
export type KafkaLimits = {
  /** One request (Kafka's `socket.request.max.bytes`): a larger one closes its connection. */
  readonly frameBytesMax: number
  /** Requests of all connections that are being received, waiting or answered; connections are not read beyond it. */
  readonly heldBytesMax: number
  /** Records in answers that their clients have not taken yet: beyond it none are read. */
  readonly unsentRecordBytesMax: number
  /** What else is in such answers: beyond it no request is begun. */
  readonly unsentBytesMax: number
  /** Requests that one connection may have waiting, and their bytes: it is not read beyond either. */
  readonly queuedRequestsMax: number
  readonly queuedBytesMax: number
  /** Requests of one connection that are answered side by side, and their bytes: beyond either none is begun until they are answered. */
  readonly overlappingMax: number
  readonly overlappingBytesMax: number
  readonly connectionsMax: number
  /** A request that was begun, or an answer that is being sent, and hardly moves for so long closes its connection. */
  readonly stalledMs: number
  /** A connection without requests is closed (Kafka's `connections.max.idle.ms`). */
  readonly idleMs: number
}

export const kafkaLimits: KafkaLimits = {
  frameBytesMax: 100 * 1024 * 1024,
  heldBytesMax: 256 * 1024 * 1024,
  unsentRecordBytesMax: 256 * 1024 * 1024,
  unsentBytesMax: 64 * 1024 * 1024,
  queuedRequestsMax: 100,
  queuedBytesMax: 8 * 1024 * 1024,
  overlappingMax: 1_000,
  overlappingBytesMax: 16 * 1024 * 1024,
  connectionsMax: 5_000,
  stalledMs: 30_000,
  idleMs: 600_000,
}
