/** What one HTTP call may hold. Lambda takes and gives 6 MB; a binary body travels through it as base64, a third larger. */

/** The largest request body, in bytes. */
export const bodyBytesMax = 4 * 1024 * 1024

/** The most records of one v2 produce: each is answered by itself, with an error's words where it fails, all in one reply. */
export const producedRecordsMax = 20_000

/** Records are handed out until the reply has this many bytes; one record may take it further, up to `replyBytesMax`. */
export const replyBytesWanted = 4 * 1024 * 1024

/** The largest reply that Lambda takes: 6,291,556 bytes, less its envelope and headers. */
export const replyBytesMax = 6_291_556 - 16_384

/** The largest Kafka answer, in bytes: it travels as base64. */
export const kafkaAnswerBytesMax = Math.floor((replyBytesMax / 4) * 3)

/** The most bytes of records in an answer to Fetch, so that there is room for what stands around them. */
export const kafkaRecordsBytesMax = 4 * 1024 * 1024

/** The longest a Kafka fetch is held here: waiting inside a function is paid for, and whoever asks may as well wait outside. */
export const kafkaFetchWaitMsMax = 1_000

/** The longest a records call waits: an HTTP API gives up after 30 s, and the answer has to be made as well. */
export const waitMsMax = 20_000

/** The longest `Idempotency-Key`, in characters. */
export const idempotencyKeyMax = 255

/** The longest name of a group or of a consumer instance, in UTF-8 bytes. */
export const nameBytesMax = 255

/** The longest id of a group that a Kafka client may have made, in UTF-8 bytes. */
export const groupBytesMax = 512
