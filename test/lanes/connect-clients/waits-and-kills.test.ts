/** `millrace connect` holds nothing: killed and started again it loses nothing; and waits that are longer than a call may be. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, expect, inject, it } from 'vitest'
import { killAll } from '../../server/millrace-process.ts'
import type { Acked, Read } from '../kafka-clients/client.ts'
import { killPrograms } from '../kafka-clients/program.ts'
import { freePort } from '../process.ts'
import { client, connect, type Name, newTopic } from './kit.ts'

afterAll(killAll)
afterEach(killPrograms)

const partitions = 2
const patient = { sessionMs: 20_000, instance: null, protocol: 'eager' } as const

const perPartition = (records: readonly Acked[] | readonly Read[]) =>
  Array.from({ length: partitions }, (_, partition) =>
    records.filter((record) => record.partition === partition).map(({ value }) => Number(value)),
  )

/** Each place once: a member whose session ended in between reads again what it had not committed. */
const distinct = (records: readonly Read[]): readonly Read[] => [
  ...new Map(records.map((record) => [`${record.partition}@${record.offset}`, record])).values(),
]

const inOrder = (values: readonly number[]) => values.toSorted((a, b) => a - b)

it('killed and started again while clients produce and read, it loses nothing, and idempotent producers double nothing', async () => {
  const port = await freePort()
  const first = await connect(inject('deployment').url, port)
  const { kafka: broker } = first
  const names: readonly Name[] = ['java', 'librdkafka', 'kafkajs']
  const runs = await Promise.all(
    names.map(async (name) => {
      const kafka = await client(name, broker)
      const topic = await newTopic(partitions)
      const reader = await client('librdkafka', broker)
      const group = `g-${randomUUID()}`
      // The producers go on until the slowest of them has enough: a call for each record takes longest to read.
      const member = reader.member({ topic, group, ...patient, commitEvery: 10 })
      return { name, load: kafka.load({ topic, partitions, atOnce: 10 }), member }
    }),
  )
  await Promise.all(runs.map(({ load }) => load.acked(20)))
  // A librdkafka that leads its group and loses its connection while it asks for metadata waits for the answer for ever.
  await Promise.all(runs.map(({ member }) => member.assigned((given) => given.length === partitions)))
  first.signal('SIGKILL')
  await first.exited
  const second = await connect(inject('deployment').url, port)
  expect(second.kafka).toBe(broker)
  const before = await Promise.all(runs.map(async ({ load }) => (await load.acked(0)).length))
  await Promise.all(runs.map(({ load }, at) => load.acked((before[at] ?? 0) + 20)))
  const ends = await Promise.all(runs.map(async (run) => ({ ...run, acked: await run.load.end() })))
  for (const { name, acked, member } of ends) {
    const read = await member.recordsWith(acked)
    console.log(`${name}: ${acked.length} acknowledged, ${read.length} read`)
    // KafkaJS produces at least once. The others' records stand there once, in the order in which they were sent.
    if (name !== 'kafkajs') expect(perPartition(distinct(read))).toEqual(perPartition(acked).map(inOrder))
    await member.leave()
  }
})

it('a member waits for a leader that takes longer to share out than a call may last', async () => {
  const connected = await connect(inject('throughProxy'))
  const topic = await newTopic(2)
  const kafka = await client('kafkajs', connected.kafka)
  const options = { topic, group: `g-${randomUUID()}`, sessionMs: 30_000, instance: null, protocol: 'eager' } as const
  const members = [1, 2].map(() => kafka.member({ ...options, assignMs: 22_000 }))
  await Promise.all(members.map((member) => member.assigned((given) => given.length === 1)))
  expect(Number(await (await fetch(inject('pendingUrl'))).text())).toBeGreaterThan(0)
  await Promise.all(members.map((member) => member.leave()))
})
