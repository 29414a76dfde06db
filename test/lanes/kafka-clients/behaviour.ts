/** What every client does in the same way. */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, expect, inject, it } from 'vitest'
import {
  type AdminResults,
  type Client,
  type Compression,
  clientOf,
  type Member,
  type MemberOptions,
  type ToSend,
} from './client.ts'
import { type Command, killPrograms } from './program.ts'
import { newTopic } from './topics.ts'

export type Abilities = {
  readonly compressions: readonly Compression[]
  /** What it calls the error of a record that is too large, and of a topic that was deleted under it. */
  readonly tooLarge: string
  readonly gone: RegExp
  readonly idempotent: boolean
  readonly staticMembers: boolean
  readonly cooperative: boolean
  /** False where its program has no part for administrators. */
  readonly administers?: boolean
  /** Where it has more. */
  readonly adminToo?: AdminResults
}

export const allCompressions: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** Long enough for a busy machine to send its heartbeats. */
const sessionMs = 6_000
/** A member that is found dead, and a rebalance after it, on a busy machine. */
const takeOverWithinMs = sessionMs + 6_000

/** Kept by the day, not by the clock: the retention of new topics is a week. */
const hourAgo = Date.now() - 3_600_000

export const toSend = (at: number, from: Partial<ToSend> = {}): ToSend => ({
  partition: 0,
  key: `k${at}`,
  value: `v${at}`,
  headers: [],
  timestamp: hourAgo + at,
  ...from,
})

export function behavesAsOnKafka(install: () => Promise<Command>, able: Abilities): void {
  let client: Client
  beforeAll(async () => {
    client = clientOf(await install(), inject('kafka'))
  })
  afterEach(killPrograms)

  const names = () => ({ topic: `t-${randomUUID()}`, group: `g-${randomUUID()}` })
  const batch = (records: readonly ToSend[], compression: Compression = 'none', idempotent = false) => ({
    compression,
    idempotent,
    records,
  })
  const readAll = async (topic: string, count: number) => (await client.consume(topic, 'start', count)).records()
  /** So many records to each of the partitions. */
  const fill = (topic: string, partitions: number, from: number, to: number) =>
    client.produce(topic, [
      batch(
        Array.from({ length: partitions * (to - from) }, (_, at) =>
          toSend(from + Math.floor(at / partitions), { partition: at % partitions }),
        ),
      ),
    ])
  const joined = (options: Pick<MemberOptions, 'group' | 'topic'> & Partial<MemberOptions>): Member =>
    client.member({ sessionMs, instance: null, protocol: 'eager', ...options })
  const has = (count: number) => (partitions: readonly number[]) => partitions.length === count

  it('produces with every compression, with headers, times and tombstones, and reads it as it was', async () => {
    const { topic } = names()
    await newTopic(topic, 1)
    const batches = able.compressions.map((compression, at) =>
      batch(
        [
          toSend(3 * at, {
            value: compression.repeat(500),
            headers: [
              ['a', '1'],
              ['b', 'ü'],
            ],
          }),
          toSend(3 * at + 1, { value: null }),
          toSend(3 * at + 2, { key: null }),
        ],
        compression,
      ),
    )
    const sent = batches.flatMap(({ records }) => records)
    const offsets = await client.produce(topic, batches)
    expect(offsets.length).toBeGreaterThanOrEqual(batches.length)
    expect(await readAll(topic, sent.length)).toEqual(sent.map((record, offset) => ({ ...record, offset })))
  })

  it('reads from a time, and from the end', async () => {
    const { topic } = names()
    await newTopic(topic, 1)
    await client.produce(topic, [batch([0, 1, 2].map((at) => toSend(at * 1_000)))])
    const fromTime = await client.consume(topic, hourAgo + 1_000, 2)
    expect((await fromTime.records()).map(({ offset }) => offset)).toEqual([1, 2])
    const fromEnd = await client.consume(topic, 'end', 1)
    await client.produce(topic, [batch([toSend(9_000)])])
    expect(await fromEnd.records()).toEqual([{ ...toSend(9_000), offset: 3 }])
  })

  if (able.idempotent)
    it('produces idempotently', async () => {
      const { topic } = names()
      await newTopic(topic, 1)
      const records = Array.from({ length: 500 }, (_, at) => toSend(at))
      await client.produce(topic, [batch(records, 'none', true), batch(records, 'gzip', true)])
      const read = await readAll(topic, 1_000)
      expect(read.map(({ value }) => value)).toEqual([...records, ...records].map(({ value }) => value))
    })

  it('in a group: shares, takes over from one that was killed, goes on from what was committed', async () => {
    const { topic, group } = names()
    await newTopic(topic, 4)
    await fill(topic, 4, 0, 3)
    const one = joined({ topic, group })
    await one.assigned(has(4))
    await one.records(12)
    const two = joined({ topic, group })
    await two.assigned(has(2))
    await one.assigned(has(2))
    await one.kill()
    const killedAt = performance.now()
    await two.assigned(has(4))
    const tookMs = Math.round(performance.now() - killedAt)
    console.log(`took over after ${tookMs} ms of a session of ${sessionMs} ms`)
    expect(tookMs).toBeLessThan(takeOverWithinMs)
    await fill(topic, 4, 3, 5)
    const taken = await two.records(8)
    // Nothing again that the first had committed.
    expect(taken.map(({ partition, value }) => `${partition} ${value}`).sort()).toEqual(
      [0, 1, 2, 3].flatMap((partition) => [`${partition} v3`, `${partition} v4`]),
    )
    await two.leave()
    await fill(topic, 4, 5, 6)
    const three = joined({ topic, group })
    expect((await three.records(4)).map(({ value }) => value)).toEqual(['v5', 'v5', 'v5', 'v5'])
    await three.leave()
  })

  if (able.staticMembers)
    it('as a static member comes back to what it had, and nobody notices', async () => {
      const { topic, group } = names()
      await newTopic(topic, 4)
      const options = { topic, group, sessionMs: 30_000 }
      const one = joined({ ...options, instance: 'one' })
      await one.assigned(has(4))
      const two = joined({ ...options, instance: 'two' })
      await two.assigned(has(2))
      const had = await one.assigned(has(2))
      await two.kill()
      const before = one.changes().length
      const again = joined({ ...options, instance: 'two' })
      expect([...had, ...(await again.assigned(has(2)))].sort()).toEqual([0, 1, 2, 3])
      await fill(topic, 4, 0, 1)
      await again.records(2)
      expect(one.changes()).toHaveLength(before)
      await again.kill()
      await one.leave()
    })

  if (able.cooperative)
    it('rebalances without giving up what it keeps', async () => {
      const { topic, group } = names()
      await newTopic(topic, 4)
      const one = joined({ topic, group, protocol: 'cooperative' })
      await one.assigned(has(4))
      const two = joined({ topic, group, protocol: 'cooperative' })
      const given = await two.assigned(has(2))
      await one.assigned(has(2))
      const gaveUp = one.changes().flatMap(({ revoked = [] }) => revoked)
      expect(gaveUp.sort()).toEqual([...given].sort())
      await two.leave()
      await one.assigned(has(4))
      await one.leave()
    })

  if (able.administers ?? true)
    it('does the work of an administrator', async () => {
      const { topic, group } = names()
      const { adminToo } = able
      const all = {
        created: 3,
        grown: 5,
        retention: '123456789',
        altered: '54321',
        offsets: [3, 4],
        members: ['STABLE', 1],
        listed: true,
        committed: 4,
        groupDeleted: true,
        topicDeleted: true,
      }
      expect(await client.admin(topic, group)).toEqual({ ...all, ...adminToo })
    })

  it('is told of a record that is too large, and that its topic has been deleted', async () => {
    const { topic } = names()
    await newTopic(topic, 1)
    expect(await client.refused(topic)).toEqual({ tooLarge: able.tooLarge, gone: expect.stringMatching(able.gone) })
  })
}
