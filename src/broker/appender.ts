import { type AppendOutcome, append, type NewBatches } from '../log/append.ts'
import type { Topic } from '../log/topics.ts'
import type { Core } from '../runtime/core.ts'

/** What one request brings for one topic; each partition at most once. */
export type TopicBatches = {
  readonly topic: Topic
  readonly batches: readonly NewBatches[]
  /** The request named the topic by its id: another that bears its name by now is not meant. */
  readonly byId: boolean
}

/**
 * Takes all that one Produce request brings, and gives an outcome for each batch in the order asked. Calls come side by side, those
 * of one connection too where the broker says `appendsInOrder`: `flushTogether` gathers them.
 */
export type Appender = (request: readonly TopicBatches[]) => Promise<readonly (readonly AppendOutcome[])[]>

/** Each request for itself, its topics side by side. */
export const appendEach =
  (core: Core): Appender =>
  (request) =>
    Promise.all(request.map(({ topic, batches, byId }) => append(core, topic, batches, { sameTopicOnly: byId })))
