/**
 * Several requests in one flush (docs/decisions/0014). A request that finds nothing of its partitions under way goes at once: no
 * timer, no linger. What comes meanwhile waits, and goes together: one blob for all, one update of each head.
 *
 * Order: a partition is in one flush at a time, and within a flush one caller's batches stand in their order (`appendTogether`).
 * Requests that wait are taken in the order in which they came, but that those whose partitions are free do not wait for those
 * whose partitions are not: what is begun first for a partition stands in it first.
 */
import { type Asked, appendTogether } from '../log/append-together.ts'
import { partitionText } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import type { Appender, TopicBatches } from './appender.ts'
import { type InLine, newLines } from './lines.ts'

export type FlushLimits = {
  /** How many flushes may be under way, of different partitions. */
  readonly flushesMax: number
  /** Bytes of records in one flush; a larger request goes alone. */
  readonly bytesMax: number
  /** A flush that takes longer makes only its own partitions wait: others' flushes do not count it any more. */
  readonly heldMsMax: number
}

export const flushLimits: FlushLimits = { flushesMax: 2, bytesMax: 8 * 1024 * 1024, heldMsMax: 250 }

type Outcomes = Awaited<ReturnType<Appender>>

type Waiting = InLine & {
  readonly request: readonly TopicBatches[]
  readonly answer: (outcomes: Promise<Outcomes>) => void
}

/**
 * The `Appender` of a process that serves many connections. A caller has its answer when its records are in the log; the partition
 * takes the next flush when its tail has room for it. `report`: what went wrong with that.
 */
export function flushTogether(
  core: Core,
  limits: FlushLimits = flushLimits,
  report: (error: unknown) => void = rethrow,
): Appender {
  const lines = newLines<Waiting>()
  let counted = 0

  const begin = () => {
    while (counted < limits.flushesMax) {
      const taken = lines.take(limits.bytesMax)
      if (taken.length === 0) return
      void flush(taken)
    }
  }
  const flush = async (taken: readonly Waiting[]): Promise<void> => {
    counted++
    let over = false
    const ended = endsOf(core, taken).map(async ([partition, end]) => {
      await end.catch(report)
      lines.free(partition)
      // What waits for it goes with what waits for the others; nothing does any more where the flush was given up on.
      if (over) begin()
    })
    const done = new AbortController()
    await Promise.race([Promise.all(ended), core.clock.sleep(limits.heldMsMax, done.signal)])
    over = true
    done.abort()
    counted--
    begin()
  }
  return async (request) => {
    const partitions = partitionsOf(request)
    if (partitions.length === 0) return request.map(() => [])
    return new Promise((answer) => {
      lines.join({ request, partitions, bytes: bytesOf(request), answer })
      begin()
    })
  }
}

function rethrow(error: unknown): never {
  throw error
}

/** Appends it all, and answers each request as soon as all of its own is known. When each partition is done with. */
function endsOf(core: Core, taken: readonly Waiting[]): readonly (readonly [string, Promise<unknown>])[] {
  const asked = taken.flatMap(({ request }) => request.flatMap(askedOf))
  const appending = appendTogether(core, asked)
  const outcomes = appending.map(({ outcome }) => outcome)
  const ofPartition = new Map<string, Promise<unknown>[]>()
  for (const [at, one] of asked.entries()) {
    const partition = partitionOf(one)
    const all = ofPartition.get(partition) ?? []
    ofPartition.set(partition, all)
    all.push(appending[at]?.room ?? Promise.resolve())
  }
  let from = 0
  for (const { request, answer } of taken) {
    const shares = request.map(({ batches }) => {
      from += batches.length
      return Promise.all(outcomes.slice(from - batches.length, from))
    })
    answer(Promise.all(shares))
  }
  return [...ofPartition].map(([partition, all]) => [partition, Promise.all(all)])
}

const askedOf = ({ topic, batches, byId }: TopicBatches): Asked[] =>
  batches.map((one) => ({ topic, batches: one, sameTopicOnly: byId }))

const partitionOf = ({ topic, batches }: Asked): string =>
  partitionText({ topicId: topic.id, partition: batches.partition })

const partitionsOf = (request: readonly TopicBatches[]): string[] => [
  ...new Set(request.flatMap(askedOf).map(partitionOf)),
]

const bytesOf = (request: readonly TopicBatches[]): number =>
  request.reduce((sum, { batches }) => sum + batches.reduce((length, { records }) => length + records.length, 0), 0)
