/** One reader: a consumer instance, member of the group, which commits what it has passed on. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Delivered, Place } from './check.ts'
import { doJob } from './child.ts'
import type { Flight } from './flights.ts'
import { connect, insist, jsonType, Refused, type Rest, type Target, TryAgain, v2Type } from './rest.ts'

export type ReaderJob = {
  readonly target: Target
  readonly topic: string
  readonly group: string
  /** Of all partitions: where there is nothing more to read. */
  readonly ends: readonly Place[]
}

/** Offsets of `committing` and `committed` are the next ones to read. */
export type ReaderReport =
  /** It has subscribed, and waits for the others: they join together. */
  | { readonly kind: 'ready'; readonly instance: string }
  | { readonly kind: 'delivered'; readonly records: readonly Delivered[] }
  | { readonly kind: 'committing'; readonly positions: readonly Place[] }
  /** What the group has committed now of the partitions that are this reader's. */
  | { readonly kind: 'committed'; readonly positions: readonly Place[]; readonly askedMs: number }
  /** An answer was lost: it went back to what is committed. */
  | { readonly kind: 'went back' }

type ReadRecord = Place & {
  readonly key: string | null
  readonly value: Flight
  readonly timestamp: number
  readonly headers: readonly { readonly key: string; readonly value: string }[]
}

const maxBytes = 32 * 1024
const waitMs = 1_000
const pollsPerCommit = 3
/** A reader that is silent for so long has died: the others take its partitions over. The least that is allowed. */
const sessionMs = 6_000
const management = { 'content-type': v2Type, accept: v2Type }

type Member = { readonly rest: Rest; readonly topic: string; readonly instance: string }

/** A new instance, subscribed; the server names it, so that one left behind by a crash is not in the way. */
async function subscribed(rest: Rest, group: string, topic: string): Promise<Member> {
  // Made again where an answer is lost: that leaves an instance behind which nobody uses.
  const made = await insist(() =>
    rest('POST', `/consumers/${group}`, {
      headers: management,
      body: {
        format: 'json',
        'auto.offset.reset': 'earliest',
        'auto.commit.enable': 'false',
        'session.timeout.ms': sessionMs,
      },
    }),
  )
  // The cast: the contract's answer.
  const { instance_id } = made as { instance_id: string }
  const instance = `/consumers/${group}/instances/${encodeURIComponent(instance_id)}`
  await insist(() => rest('POST', `${instance}/subscription`, { headers: management, body: { topics: [topic] } }))
  return { rest, topic, instance }
}

/** What the group has committed of these partitions, or of those that are the reader's. */
async function committed({ rest, topic, instance }: Member, of?: readonly Place[]): Promise<Place[]> {
  const wanted = of?.map(({ partition }) => ({ topic, partition }))
  const query = wanted ? `?partitions=${encodeURIComponent(JSON.stringify(wanted))}` : ''
  // The cast: the contract's answer.
  const { offsets } = (await insist(() => rest('GET', `${instance}/offsets${query}`))) as { offsets: Place[] }
  return offsets.map(({ partition, offset }) => ({ partition, offset }))
}

/** Back to what is committed, in all partitions that are the reader's. */
async function goBack(member: Member): Promise<void> {
  const { rest, topic, instance } = member
  // The cast: the contract's answer.
  const { partitions } = (await rest('GET', `${instance}/assignments`)) as { partitions: { partition: number }[] }
  const known = await committed(member)
  const offsets = known.map((place) => ({ topic, ...place }))
  const others = partitions.filter(({ partition }) => !known.some((place) => place.partition === partition))
  const seek = async (path: string, body: object) => {
    try {
      await rest('POST', `${instance}/positions${path}`, { headers: management, body })
    } catch (error) {
      // They have become another's in between; of its new ones the next look tells.
      throw error instanceof Refused && error.status === 409 ? new TryAgain(error.message) : error
    }
  }
  if (offsets.length > 0) await seek('', { offsets })
  if (others.length > 0) await seek('/beginning', { partitions: others })
}

/** The next records. Where an answer is lost the instance may have moved on without us: it goes back before it is asked again. */
async function poll(member: Member, wentBack: () => Promise<void>): Promise<Delivered[]> {
  const records = await insist(async (attempts) => {
    if (attempts > 0) {
      await goBack(member)
      await wentBack()
    }
    const polledMs = Date.now()
    const path = `${member.instance}/records?timeout=${waitMs}&max_bytes=${maxBytes}`
    // The cast: the contract's answer, with values that our own producers wrote.
    const answer = (await member.rest('GET', path, { headers: { accept: jsonType } })) as ReadRecord[]
    return answer.map((record) => delivered(record, polledMs))
  })
  return records
}

const delivered = (record: ReadRecord, polledMs: number): Delivered => ({
  partition: record.partition,
  offset: record.offset,
  key: record.key,
  timestampMs: record.timestamp,
  flight: record.value,
  producer: numberIn(record.headers, 'producer'),
  sequence: numberIn(record.headers, 'sequence'),
  polledMs,
})

function numberIn(headers: ReadRecord['headers'], name: string): number {
  const value = headers.find(({ key }) => key === name)?.value
  return value === undefined ? -1 : Number(Buffer.from(value, 'base64').toString())
}

/** Commits all that the reader was given of the partitions it still has. Refused, it is left to whoever has them now. */
async function commit({ rest, instance }: Member): Promise<void> {
  try {
    await insist(() => rest('POST', `${instance}/offsets`, { headers: management }))
  } catch (error) {
    if (!(error instanceof Refused && error.status === 409)) throw error
  }
}

await doJob<ReaderJob, ReaderReport>(async ({ target, topic, group, ends }, report, told) => {
  const rest = await connect(target)
  const member = await subscribed(rest, group, topic)
  await report({ kind: 'ready', instance: member.instance })
  await told
  const next = new Map<number, number>()
  const commitAll = async () => {
    await report({ kind: 'committing', positions: Array.from(next, ([partition, offset]) => ({ partition, offset })) })
    await commit(member)
    const askedMs = Date.now()
    await report({ kind: 'committed', positions: await committed(member), askedMs })
  }
  const isRead = (places: readonly Place[]) =>
    ends.every(({ partition, offset }) =>
      places.some((place) => place.partition === partition && place.offset >= offset),
    )
  for (let polls = 1; ; polls++) {
    const records = await poll(member, () => report({ kind: 'went back' }))
    for (const { partition, offset } of records) next.set(partition, offset + 1)
    // Passed on first, committed later: a death in between makes another reader pass it on again, and nothing is missed.
    if (records.length > 0) await report({ kind: 'delivered', records })
    if (polls % pollsPerCommit === 0 || records.length === 0) await commitAll()
    if (records.length > 0) continue
    if (isRead(await committed(member, ends))) break
    // A poll in a rebalance may answer at once.
    await pause(50)
  }
  await insist(() => rest('DELETE', member.instance))
})
