/** What test/fixtures/log-v1 holds: tiny records, some that lie in items, one in an object, and enough to spill. */
export const contents: readonly string[] = [
  ...Array.from({ length: 12 }, (_, at) => `tiny ${at}`),
  ...Array.from({ length: 30 }, (_, at) => `item ${at} ${'x'.repeat(400)}`),
  `object ${'y'.repeat(10_000)}`,
]
export const groupOf = 'kept-group'
export const instanceOf = 'kept-instance'
export const idempotencyKey = 'kept-key'
