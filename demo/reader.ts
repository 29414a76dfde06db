/** One reader: a consumer instance with partitions of its own, which commits what it has passed on. */
import type { Delivered, Place } from './check.ts'
import { doJob } from './child.ts'
import type { Flight } from './flights.ts'
import { connect, insist, jsonType, type Rest, type Target, v2Type } from './rest.ts'

export type ReaderJob = {
  readonly target: Target
  readonly topic: string
  readonly group: string
  /** Its partitions, and the offsets to read up to. */
  readonly ends: readonly Place[]
}

/** Offsets of `started` and `committed` are the next ones to read. */
export type ReaderReport =
  | { readonly kind: 'started'; readonly instance: string; readonly positions: readonly Place[] }
  | { readonly kind: 'delivered'; readonly records: readonly Delivered[] }
  | { readonly kind: 'committed'; readonly positions: readonly Place[] }

type ReadRecord = Place & {
  readonly key: string | null
  readonly value: Flight
  readonly timestamp: number
  readonly headers: readonly { readonly key: string; readonly value: string }[]
}

const maxBytes = 32 * 1024
const waitMs = 5_000
const pollsPerCommit = 3
const management = { 'content-type': v2Type, accept: v2Type }

/** A new instance; the server names it, so that one left behind by a crash is not in the way. */
async function join(rest: Rest, group: string): Promise<string> {
  // Made again where an answer is lost: that leaves an instance behind which nobody uses.
  const made = await insist(() =>
    rest('POST', `/consumers/${group}`, {
      headers: management,
      body: { format: 'json', 'auto.offset.reset': 'earliest' },
    }),
  )
  // The cast: the contract's answer.
  const { instance_id } = made as { instance_id: string }
  return `/consumers/${group}/instances/${encodeURIComponent(instance_id)}`
}

/** The group's positions; 0 where none was ever committed. */
async function committed(rest: Rest, instance: string, ends: readonly Place[]): Promise<Place[]> {
  // The cast: the contract's answer. Without a body or a query it is about the partitions assigned.
  const { offsets } = (await insist(() => rest('GET', `${instance}/offsets`))) as { offsets: Place[] }
  return ends.map(({ partition }) => ({
    partition,
    offset: offsets.find((entry) => entry.partition === partition)?.offset ?? 0,
  }))
}

/** The next records. Where an answer is lost the instance has moved on without us: it is sent back before it is asked again. */
async function poll(rest: Rest, instance: string, topic: string, places: readonly Place[]): Promise<ReadRecord[]> {
  const records = await insist(async (attempts) => {
    if (attempts > 0) {
      const offsets = places.map((place) => ({ topic, ...place }))
      await rest('POST', `${instance}/positions`, { headers: management, body: { offsets } })
    }
    return rest('GET', `${instance}/records?timeout=${waitMs}&max_bytes=${maxBytes}`, { headers: { accept: jsonType } })
  })
  // The cast: the contract's answer, with values that our own producers wrote.
  return records as ReadRecord[]
}

const delivered = ({ partition, offset, key, value, timestamp, headers }: ReadRecord): Delivered => ({
  partition,
  offset,
  key,
  timestampMs: timestamp,
  flight: value,
  producer: numberIn(headers, 'producer'),
  sequence: numberIn(headers, 'sequence'),
})

function numberIn(headers: ReadRecord['headers'], name: string): number {
  const value = headers.find(({ key }) => key === name)?.value
  return value === undefined ? -1 : Number(Buffer.from(value, 'base64').toString())
}

await doJob<ReaderJob, ReaderReport>(async ({ target, topic, group, ends }, report) => {
  const rest = await connect(target)
  const instance = await join(rest, group)
  const partitions = ends.map(({ partition }) => ({ topic, partition }))
  await insist(() => rest('POST', `${instance}/assignments`, { headers: management, body: { partitions } }))
  const positions = await committed(rest, instance, ends)
  await report({ kind: 'started', instance, positions })
  const next = new Map(positions.map(({ partition, offset }) => [partition, offset]))
  const places = () => Array.from(next, ([partition, offset]) => ({ partition, offset }))
  const commit = async () => {
    const offsets = places().flatMap(({ partition, offset }) =>
      // The contract asks for the last offset that was processed.
      offset > 0 ? [{ topic, partition, offset: offset - 1 }] : [],
    )
    await insist(() => rest('POST', `${instance}/offsets`, { headers: management, body: { offsets } }))
    await report({ kind: 'committed', positions: places() })
  }
  for (let polls = 1; ends.some(({ partition, offset }) => (next.get(partition) ?? 0) < offset); polls++) {
    const records = await poll(rest, instance, topic, places())
    for (const { partition, offset } of records) next.set(partition, offset + 1)
    // Passed on first, committed later: a death in between makes another reader pass it on again, and nothing is missed.
    if (records.length > 0) await report({ kind: 'delivered', records: records.map(delivered) })
    if (polls % pollsPerCommit === 0) await commit()
  }
  await commit()
  await insist(() => rest('DELETE', instance))
})
