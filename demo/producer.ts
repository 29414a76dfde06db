/** One producer: sends its share of the flights, one batch after the other, each under an Idempotency-Key of its own. */
import type { Acknowledged } from './check.ts'
import { doJob } from './child.ts'
import { batchesOf, type NumberedFlight, readFlights } from './flights.ts'
import { connect, insist, jsonType, nextRequestSent, type Rest, type Target, TryAgain, v2Type } from './rest.ts'

export type ProducerJob = {
  readonly target: Target
  readonly topic: string
  readonly producer: number
  readonly producers: number
  /** The batch to begin with. It may have been sent before: its key takes care of that. */
  readonly from: number
}

export type ProducerReport =
  | { readonly kind: 'sending'; readonly batch: number }
  | { readonly kind: 'acknowledged'; readonly batch: number; readonly records: readonly Acknowledged[] }

type Answer = {
  readonly offsets: readonly {
    readonly partition: number | null
    readonly offset: number | null
    readonly error_code: number | null
    readonly error: string | null
  }[]
}

/** Where the flights stand, once all of them do: a call that was done in part is made again under the same key. */
async function produce(
  rest: Rest,
  topic: string,
  key: string,
  producer: number,
  flights: readonly NumberedFlight[],
): Promise<Acknowledged[]> {
  // The cast: the contract's answer.
  const { offsets } = (await rest('POST', `/topics/${topic}`, {
    headers: { 'content-type': jsonType, accept: v2Type, 'idempotency-key': key },
    body: { records: flights.map((flight) => recordOf(flight, producer)) },
  })) as Answer
  return flights.map(({ sequence }, at) => {
    const entry = offsets[at]
    if (entry && entry.partition !== null && entry.offset !== null) {
      return { sequence, partition: entry.partition, offset: entry.offset }
    }
    const problem = `flight ${sequence} was not taken: ${JSON.stringify(entry)}`
    throw entry?.error_code === 50003 ? new TryAgain(problem) : new Error(problem)
  })
}

/** The value is the flight as the file has it; who sent it, and which one it is, stands in headers. */
const recordOf = ({ key, timestampMs, flight, sequence }: NumberedFlight, producer: number) => ({
  key,
  value: flight,
  timestamp: timestampMs,
  headers: [
    { key: 'producer', value: base64(producer) },
    { key: 'sequence', value: base64(sequence) },
  ],
})

const base64 = (number: number): string => Buffer.from(String(number)).toString('base64')

await doJob<ProducerJob, ProducerReport>(async ({ target, topic, producer, producers, from }, report) => {
  const rest = await connect(target)
  const batches = batchesOf(readFlights(), producer, producers)
  for (const [batch, flights] of batches.entries()) {
    if (batch < from) continue
    const key = `${topic}/${producer}/${batch}`
    // Whoever kills this process at that report leaves a batch of unknown outcome behind.
    const [records] = await Promise.all([
      insist(() => produce(rest, topic, key, producer, flights)),
      nextRequestSent().then(() => report({ kind: 'sending', batch })),
    ])
    await report({ kind: 'acknowledged', batch, records })
  }
})
