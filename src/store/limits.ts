/** The limits that AWS sets, held by every adapter, so that what runs on one machine also runs there. */
export const limits = {
  /** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html */
  itemBytes: 400 * 1024,
  batchGetKeys: 100,
  transactActions: 100,
  pkBytes: 2048,
  skBytes: 1024,
  /** One PutObject; more would need a multipart upload. */
  objectBytes: 5 * 1024 ** 3,
  objectKeyBytes: 1024,
} as const
