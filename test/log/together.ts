import type { AppendOutcome } from '../../src/log/append.ts'
import { type Appending, type Asked, appendTogether } from '../../src/log/append-together.ts'
import type { Topic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { batchOf, failure } from './core.ts'
import { producerBatch, type Sent } from './producer.ts'

/** What one caller brings: plain values, or an idempotent producer's. */
export type Brought = { readonly topic: Topic; readonly partition?: number } & (
  | { readonly values: readonly string[] }
  | { readonly sent: Sent }
)

export const askedOf = (brought: Brought): Asked => ({
  topic: brought.topic,
  batches: {
    partition: brought.partition ?? 0,
    records: 'sent' in brought ? producerBatch(brought.sent) : batchOf(brought.values),
  },
  sameTopicOnly: false,
})

/** The outcome of each, when there is room for the next as well. */
export async function outcomesOf(appending: readonly Appending[]): Promise<AppendOutcome[]> {
  await Promise.all(appending.map(({ room }) => room))
  return Promise.all(appending.map(({ outcome }) => outcome))
}

/** The base offset of each, or the name of its error. */
export async function together(core: Core, all: readonly Brought[]): Promise<(number | string)[]> {
  const outcomes = await outcomesOf(appendTogether(core, all.map(askedOf)))
  return outcomes.map((outcome) => ('error' in outcome ? failure(outcome) : outcome.baseOffset))
}
