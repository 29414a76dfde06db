import type { Sent } from '../log/producer.ts'

/** What test/fixtures/log-v1-idempotent holds: producer 1, which has left the head; 20 records of nobody; and producers 2 and 3. */
export const batches: { readonly left: readonly Sent[]; readonly active: readonly Sent[] } = {
  left: [
    { producer: 1, sequence: 0, values: ['tiny'] },
    { producer: 1, sequence: 1, values: ['item '.repeat(100), 'item'] },
    { producer: 1, sequence: 3, values: ['object '.repeat(2_000)] },
  ],
  active: [
    { producer: 2, epoch: 5, sequence: 0, values: ['a', 'b'] },
    { producer: 3_000_000, sequence: 0, values: ['c'] },
  ],
}
export const ofNobody = 20
