/** Kafka's error codes, by their own names (https://kafka.apache.org/protocol#protocol_error_codes): code, retriable. */
const table = {
  UNKNOWN_SERVER_ERROR: [-1, false],
  OFFSET_OUT_OF_RANGE: [1, false],
  CORRUPT_MESSAGE: [2, true],
  UNKNOWN_TOPIC_OR_PARTITION: [3, true],
  LEADER_NOT_AVAILABLE: [5, true],
  NOT_LEADER_OR_FOLLOWER: [6, true],
  REQUEST_TIMED_OUT: [7, true],
  MESSAGE_TOO_LARGE: [10, false],
  OFFSET_METADATA_TOO_LARGE: [12, false],
  COORDINATOR_NOT_AVAILABLE: [15, true],
  INVALID_TOPIC_EXCEPTION: [17, false],
  RECORD_LIST_TOO_LARGE: [18, false],
  ILLEGAL_GENERATION: [22, false],
  INVALID_GROUP_ID: [24, false],
  UNKNOWN_MEMBER_ID: [25, false],
  INVALID_TIMESTAMP: [32, false],
  UNSUPPORTED_VERSION: [35, false],
  TOPIC_ALREADY_EXISTS: [36, false],
  INVALID_PARTITIONS: [37, false],
  INVALID_REPLICATION_FACTOR: [38, false],
  INVALID_CONFIG: [40, false],
  INVALID_REQUEST: [42, false],
  UNSUPPORTED_FOR_MESSAGE_FORMAT: [43, false],
  POLICY_VIOLATION: [44, false],
  KAFKA_STORAGE_ERROR: [56, true],
  UNKNOWN_TOPIC_ID: [100, true],
  INVALID_RECORD: [87, false],
  THROTTLING_QUOTA_EXCEEDED: [89, true],
} as const satisfies Record<string, readonly [code: number, retriable: boolean]>

export type ErrorName = keyof typeof table

/** An answer that is an error, under Kafka's own name. Front doors map the name to their wire. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError'
  readonly error: ErrorName

  constructor(error: ErrorName, message: string, options?: ErrorOptions) {
    super(message, options)
    this.error = error
  }

  /** The code on Kafka's wire. */
  get code(): number {
    return table[this.error][0]
  }

  /** Whether Kafka's clients send the request again. */
  get retriable(): boolean {
    return table[this.error][1]
  }
}
