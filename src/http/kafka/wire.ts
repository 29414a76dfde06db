/** How a Kafka frame travels over HTTP: what both ends of it go by. A body is one frame without its length. */
export const kafkaRoute = 'POST /kafka'
export const frameType = 'application/octet-stream'

/** Of a request: `host:port`, where the sender's clients reach it; what they are told of as the one broker. */
export const advertiseHeader = 'millrace-advertise'

/**
 * Of an answer to JoinGroup or SyncGroup: the group was not ready in the time that a call may take. The same frame, sent again under
 * the member id that stands here, goes on waiting. It is percent-encoded.
 */
export const pendingHeader = 'millrace-pending'
