/** Kafka clients as they are, through `millrace connect`, on a deployment that has no broker. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest'
import { killAll, type Millrace, startMillrace } from '../../server/millrace-process.ts'
import { toSend } from '../kafka-clients/behaviour.ts'
import { kcatCommand } from '../kafka-clients/install.ts'
import { killPrograms, runProgram } from '../kafka-clients/program.ts'
import { awsEnvironment, client, connect, type Name, newTopic, rest } from './kit.ts'

let connected: Millrace
let file: string

beforeAll(async () => {
  file = await kcatCommand()
  connected = await connect(inject('deployment').url)
})
afterAll(killAll)
afterEach(killPrograms)

const kcat = (input: string, broker: string, topic: string, ...args: string[]) =>
  runProgram({ file, args: ['-b', broker, '-t', topic, ...args] }, input)

it('kcat produces and reads', async () => {
  const topic = await newTopic(1)
  await kcat('one:1\ntwo:2\n', connected.kafka, topic, '-P', '-K:', '-z', 'zstd')
  await kcat('three:3\n', connected.kafka, topic, '-P', '-K:', '-X', 'enable.idempotence=true')
  expect(await kcat('', connected.kafka, topic, '-C', '-q', '-e', '-K:')).toEqual(['one:1', 'two:2', 'three:3'])
})

const idempotent: readonly Name[] = ['java', 'librdkafka']
it.each(idempotent)('%s produces idempotently, and reads it from the start and from a time', async (name) => {
  const topic = await newTopic(1)
  const kafka = await client(name, connected.kafka)
  const records = Array.from({ length: 300 }, (_, at) => toSend(at, { headers: [['at', `${at}`]] }))
  await kafka.produce(topic, [{ compression: 'gzip', idempotent: true, records }])
  const read = await (await kafka.consume(topic, 'start', 300)).records()
  expect(read).toEqual(records.map((record, offset) => ({ ...record, offset })))
  const later = await (await kafka.consume(topic, toSend(200).timestamp, 100)).records()
  expect(later[0]?.offset).toBe(200)
})

it('two members of KafkaJS share the partitions, and one takes over when the other is killed', async () => {
  const topic = await newTopic(4)
  const kafka = await client('kafkajs', connected.kafka)
  const group = `g-${randomUUID()}`
  const joined = () => kafka.member({ topic, group, sessionMs: 8_000, instance: null, protocol: 'eager' })
  const has = (count: number) => (partitions: readonly number[]) => partitions.length === count
  const fill = (value: string) => {
    const records = [0, 1, 2, 3].map((partition) => toSend(0, { partition, value }))
    return kafka.produce(topic, [{ compression: 'none', idempotent: false, records }])
  }
  const [one, two] = [joined(), joined()]
  await Promise.all([one.assigned(has(2)), two.assigned(has(2))])
  await fill('first')
  await Promise.all([one.records(2), two.records(2)])
  await one.kill()
  await two.assigned(has(4))
  await fill('second')
  expect((await two.records(6)).slice(2).map(({ value }) => value)).toEqual(Array(4).fill('second'))
  await two.leave()
})

it('an instance of the REST API and a Kafka client share one group', async () => {
  const topic = await newTopic(4)
  const group = `g-${randomUUID()}`
  const call = rest()
  const headers = { 'content-type': 'application/vnd.kafka.v2+json' }
  const base = `/consumers/${group}/instances/rest`
  const wishes = { name: 'rest', format: 'json', 'auto.offset.reset': 'earliest' }
  await call('POST', `/consumers/${group}`, { headers, body: wishes })
  await call('POST', `${base}/subscription`, { headers, body: { topics: [topic] } })
  const ofRest: string[] = []
  const poll = async () => {
    const accept = 'application/vnd.kafka.json.v2+json'
    const { body } = await call('GET', `${base}/records?timeout=500`, { headers: { accept } })
    // The cast: the contract's answer.
    ofRest.push(...(body as { value: string }[]).map(({ value }) => value))
  }
  const kafka = await client('librdkafka', connected.kafka)
  const member = kafka.member({ topic, group, sessionMs: 20_000, instance: null, protocol: 'eager' })
  let shares = false
  const assigned = member
    .assigned((partitions) => partitions.length === 2)
    .finally(() => {
      shares = true
    })
  while (!shares) await poll()
  await assigned
  const body = { records: [0, 1, 2, 3].map((partition) => ({ partition, value: `v${partition}` })) }
  await call('POST', `/topics/${topic}`, { headers: { 'content-type': 'application/vnd.kafka.json.v2+json' }, body })
  while (ofRest.length < 2) await poll()
  const ofKafka = (await member.records(2)).map(({ value }) => JSON.parse(value ?? ''))
  expect([...ofRest, ...ofKafka].sort()).toEqual(['v0', 'v1', 'v2', 'v3'])
  await member.leave()
  expect((await call('DELETE', base, { headers })).status).toBe(204)
})

it('a batch that is larger than a call may be is refused on its way in, and said to be too large on its way out', async () => {
  const topic = await newTopic(1, [{ name: 'max.message.bytes', value: '8000000' }])
  const { table, bucket } = inject('deployment')
  const large = 'x'.repeat(5_000_000)
  const produce = (broker: string) => kcat(large, broker, topic, '-P', '-X', 'message.max.bytes=8000000')
  await expect(produce(connected.kafka)).rejects.toThrow(/Message size too large/)
  // A broker over the same stores takes it.
  const stores = ['--store', 'aws', '--table', table, '--bucket', bucket]
  const broker = await startMillrace(stores, { ...awsEnvironment, AWS_ENDPOINT_URL: inject('ministack') })
  await produce(broker.kafka)
  expect((await kcat('', broker.kafka, topic, '-C', '-q', '-e'))[0]?.length).toBe(5_000_000)
  const reader = await client('librdkafka', connected.kafka)
  const reading = await reader.consume(topic, 'start', 1)
  await expect(reading.records()).rejects.toThrow(/MSG_SIZE_TOO_LARGE/)
})
