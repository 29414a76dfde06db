import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { killAll, type Millrace, startMillrace } from '../../server/millrace-process.ts'
import { type BridgeRecord, type Client, killClients, type Mode, startClient } from './client.ts'
import { installClient } from './install.ts'

let python: string
let millrace: Millrace

beforeAll(async () => {
  python = await installClient()
  millrace = await startMillrace(['--memory', '--default-partitions', '4'])
})
afterAll(async () => {
  killClients()
  await killAll()
})

const decoded = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64').toString())
const valuesOf = (records: readonly BridgeRecord[]) => records.map(({ value }) => decoded(value)).sort()
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => [`k${from + at}`, `v${from + at}`] as const)
const namesOf = (values: readonly (readonly [string, string])[]) => values.map(([, value]) => value).sort()

/** Long before a test's time is over: then it says what it waited for. */
const patienceMs = 60_000

const modes: readonly Mode[] = ['strimzi', 'confluent']
for (const mode of modes)
  describe(`kafka-bridge-client, to a ${mode} proxy`, () => {
    const names = () => ({ topic: `t-${randomUUID()}`, group: `g-${randomUUID()}` })
    const client = () => startClient(python, millrace.url, mode)
    const sent = async (topic: string, values: ReturnType<typeof numbered>) => {
      expect(await client().send(topic, values, true)).toBe(true)
    }
    /** Polls until it has had so many. */
    const read = async (reader: Client, count: number): Promise<BridgeRecord[]> => {
      const records: BridgeRecord[] = []
      for (const deadlineMs = Date.now() + patienceMs; records.length < count; ) {
        if (Date.now() > deadlineMs) throw new Error(`of ${count} records came ${valuesOf(records)}`)
        records.push(...(await reader.poll()))
      }
      return records
    }

    it('sends JSON and bytes, and reads both as bytes, keys included', async () => {
      const { topic, group } = names()
      const one = client()
      const json = { deep: [1, null, 'ü'] }
      expect(await one.send(topic, [['a', json]], false)).toBe(true)
      expect(await one.send(topic, [['b', 'plain bytes']], true)).toBe(true)
      await one.create(group, 'one', [topic])
      const records = await one.get(2)
      expect(records.every((record) => record.topic === topic)).toBe(true)
      const [first, second] = records.map(({ key, value }) => [decoded(key), decoded(value)]).sort()
      // A key of JSON is a string of JSON, a key of bytes is bytes.
      expect(first).toEqual(['"a"', JSON.stringify(json)])
      expect(second).toEqual(['b', 'plain bytes'])
      await one.delete()
    })

    it('reads its stream on where new records come', async () => {
      const { topic, group } = names()
      const one = client()
      await sent(topic, numbered(0, 3))
      await one.create(group, 'one', [topic])
      expect(valuesOf(await one.get(3))).toEqual(namesOf(numbered(0, 3)))
      const next = one.get(2)
      await sent(topic, numbered(3, 5))
      expect(valuesOf(await next)).toEqual(namesOf(numbered(3, 5)))
    })

    it('gets again what it had not committed, and not what it had', async () => {
      const { topic, group } = names()
      const one = client()
      await sent(topic, numbered(0, 5))
      await one.create(group, 'one', [topic])
      await read(one, 5)
      await one.commit()
      await sent(topic, numbered(5, 9))
      expect(valuesOf(await read(one, 4))).toEqual(namesOf(numbered(5, 9)))
      await one.delete()
      const two = client()
      await two.create(group, 'two', [topic])
      expect(valuesOf(await read(two, 4))).toEqual(namesOf(numbered(5, 9)))
      expect(await two.poll()).toEqual([])
    })

    it('commits by itself where it asked for that', async () => {
      const { topic, group } = names()
      const one = client()
      await sent(topic, numbered(0, 5))
      await one.create(group, 'one', [topic], { autoCommit: true })
      await read(one, 5)
      await one.delete()
      await sent(topic, numbered(5, 7))
      const two = client()
      await two.create(group, 'two', [topic])
      expect(valuesOf(await read(two, 2))).toEqual(namesOf(numbered(5, 7)))
    })

    it('that was killed takes its name again, and goes on from what it had committed', async () => {
      const { topic, group } = names()
      const one = client()
      await sent(topic, numbered(0, 4))
      await one.create(group, 'the-name', [topic])
      await read(one, 4)
      await one.commit()
      await sent(topic, numbered(4, 6))
      await read(one, 2)
      await one.kill()
      const again = client()
      await again.create(group, 'the-name', [topic])
      expect(valuesOf(await read(again, 2))).toEqual(namesOf(numbered(4, 6)))
      expect(await again.poll()).toEqual([])
    })

    it('shares a group with another: each reads its partitions, and those of one that leaves move', async () => {
      const { topic, group } = names()
      const [one, two] = [client(), client()]
      await sent(topic, numbered(0, 40))
      await one.create(group, 'one', [topic])
      expect(await read(one, 40)).toHaveLength(40)
      await one.commit()
      await two.create(group, 'two', [topic])
      const partitionsOf = { one: new Set<number>(), two: new Set<number>() }
      // Until the second one has partitions: what one batch brings, the two read between them, each once.
      const deadlineMs = Date.now() + patienceMs
      for (let batch = 1; partitionsOf.two.size === 0; batch++) {
        const values = numbered(batch * 40, batch * 40 + 40)
        await sent(topic, values)
        partitionsOf.one.clear()
        const records: BridgeRecord[] = []
        const drain = async (reader: Client, partitions: Set<number>) => {
          while (records.length < values.length) {
            if (Date.now() > deadlineMs)
              throw new Error(`batch ${batch}: of ${values.length} records came ${valuesOf(records)}`)
            const got = await reader.poll()
            for (const { partition } of got) partitions.add(partition)
            records.push(...got)
          }
          await reader.commit()
        }
        await Promise.all([drain(one, partitionsOf.one), drain(two, partitionsOf.two)])
        expect(valuesOf(records)).toEqual(namesOf(values))
      }
      expect([...partitionsOf.one].filter((partition) => partitionsOf.two.has(partition))).toEqual([])
      await one.delete()
      const last = numbered(100_000, 100_040)
      await sent(topic, last)
      expect(valuesOf(await read(two, 40))).toEqual(namesOf(last))
    })
  })
