/** Three brokers under load: one is killed, one is restarted as an upgrade does it, and every record is counted. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { killAll } from '../../server/millrace-process.ts'
import { type Acked, type Client, clientOf, type Load } from '../kafka-clients/client.ts'
import { installJava, installPython, javaArgs, kcatCommand, nodeProgram, source } from '../kafka-clients/install.ts'
import { killPrograms, runProgram } from '../kafka-clients/program.ts'
import { type Broker, type Brokers, startBrokers, until } from './cluster.ts'

const partitions = 6
const atOnce = 120
/** A broker's death is found within 1.5 leases of 5 s. */
const takeOverWithinMs = 10_000
/**
 * That is for stores that answer as DynamoDB does. On a machine that has more to do than it can, what each call of a take-over takes
 * longer is added: they come one after the other.
 */
const callsOfATakeOver = 25
const usualCallMs = 40
/** The clients' own: time-outs, pauses between two tries, looks for the new leader; on a busy machine. */
const clientsGoOnWithinMs = 25_000

let brokers: Brokers
let kcat: string
let clients: { readonly [name in 'java' | 'librdkafka' | 'kafkajs']: Client }

beforeAll(async () => {
  brokers = await startBrokers(`three-${process.pid}`, 3)
  kcat = await kcatCommand()
  clients = {
    java: clientOf({ file: 'java', args: [...javaArgs(await installJava()), 'JavaClient'] }, brokers.bootstrap),
    librdkafka: clientOf({ file: await installPython(), args: [source('python', 'librdkafka.py')] }, brokers.bootstrap),
    kafkajs: clientOf(await nodeProgram('kafkajs.mjs'), brokers.bootstrap),
  }
})
afterAll(killAll)
afterEach(killPrograms)

const perPartition = (records: readonly Acked[]) => {
  const values = Array.from({ length: partitions }, (): number[] => [])
  for (const { partition, value } of records) values[partition]?.push(Number(value))
  return values
}

/** Every partition has had records acknowledged that were not yet sent. */
async function goesOn(name: string, load: Load): Promise<number> {
  const counts = async () => perPartition(await load.acked(0)).map((values) => values.length)
  const before = await counts()
  let now = before
  const { tookMs } = await until(
    () => `${name} produces to all partitions: from ${before} to ${now} acknowledged`,
    async () => {
      now = await counts()
      return now.every((count, at) => count > (before[at] ?? 0) + atOnce / partitions)
    },
  )
  return tookMs
}

async function newTopic(at: Broker): Promise<string> {
  const topic = `t-${randomUUID()}`
  const { url } = at.process()
  const clusters = await fetch(`${url}/v3/clusters`)
  // The cast: the contract's answer.
  const { data } = (await clusters.json()) as { data: { cluster_id: string }[] }
  const made = await fetch(`${url}/v3/clusters/${data[0]?.cluster_id}/topics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ topic_name: topic, partitions_count: partitions }),
  })
  if (made.status !== 201) throw new Error(`${made.status} ${await made.text()}`)
  return topic
}

/** One of which each broker leads something: who leads what is hashed. */
async function sharedTopic(at: Broker): Promise<string> {
  for (;;) {
    const topic = await newTopic(at)
    if (new Set(await brokers.leadersOf([topic], at)).size === brokers.all.length) return topic
  }
}

/** What a broker wrote to standard error; not of beats for which its store was too slow, of which three may be lost. */
const failuresOf = (broker: Broker) =>
  broker
    .process()
    .err()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('millrace: a beat failed, and is tried again: '))

/** Each broker knows of the others. */
async function allKnown(): Promise<void> {
  for (const broker of brokers.all)
    await until(
      () => `broker ${broker.id} knows all`,
      async () => (await brokers.knownTo(broker)) === brokers.all.length,
    )
}

/** All that stands in a topic, in the order of each partition. */
async function everything(topic: string): Promise<readonly Acked[]> {
  const args = ['-b', brokers.bootstrap, '-t', topic, '-C', '-q', '-e', '-J']
  const lines = await runProgram({ file: kcat, args })
  // The cast: what kcat prints.
  const read = lines.map((line) => JSON.parse(line) as { partition: number; offset: number; payload: string })
  return read.map(({ partition, payload }) => ({ partition, value: payload }))
}

it('one killed and one rolled under load: nothing is lost or doubled, the order holds, and no client sees an error', async () => {
  const [first, second, third] = brokers.all
  if (!first || !second || !third) throw new Error('there are three')
  await allKnown()
  const topics = [await sharedTopic(first), await sharedTopic(first)] as const
  const options = {
    topic: topics[1],
    group: `g-${randomUUID()}`,
    sessionMs: 10_000,
    instance: null,
    commitEvery: 50,
  } as const
  const group = [1, 2].map(() => clients.kafkajs.member({ ...options, protocol: 'eager' }))
  const loads = [
    { name: 'java', topic: topics[0], load: clients.java.load({ topic: topics[0], partitions, atOnce }) },
    { name: 'librdkafka', topic: topics[1], load: clients.librdkafka.load({ topic: topics[1], partitions, atOnce }) },
  ]
  const allGoOn = () => Promise.all(loads.map(({ name, load }) => goesOn(name, load)))
  await allGoOn()

  second.process().signal('SIGKILL')
  let leaders: readonly number[] = []
  const [{ tookMs, askedMs }, wentOn] = await Promise.all([
    until(
      () => `others lead what ${second.id} led: ${leaders}`,
      async () => {
        leaders = await brokers.leadersOf(topics, first)
        return !leaders.some((leader) => leader === second.id || leader < 0)
      },
    ),
    allGoOn(),
  ])
  console.log(
    `killed: others lead after ${tookMs} ms, asked in ${askedMs.toFixed(0)} ms each time, all partitions are produced to after ${wentOn.join(' and ')} ms`,
  )
  const slowerMs = callsOfATakeOver * Math.max(0, askedMs - usualCallMs)
  expect(tookMs).toBeLessThan(takeOverWithinMs + slowerMs)
  expect(Math.max(...wentOn)).toBeLessThan(clientsGoOnWithinMs + slowerMs)
  await second.start()
  await allKnown()

  third.process().signal('SIGTERM')
  expect((await third.process().exited).code).toBe(0)
  const rolled = await allGoOn()
  console.log(`rolled: all partitions are produced to after ${rolled.join(' and ')} ms`)
  await third.start()
  await allKnown()
  await allGoOn()

  for (const { name, topic, load } of loads) {
    const acked = await load.end()
    const read = perPartition(await everything(topic))
    console.log(`${name}: ${acked.length} acknowledged`)
    expect(read).toEqual(perPartition(acked).map((values) => values.toSorted((a, b) => a - b)))
  }
  const wanted = (await loads[1]?.load.acked(0)) ?? []
  let missing = wanted
  await until(
    () => `the group reads all, ${missing.length} of ${wanted.length} are missing`,
    async () => {
      const all = (await Promise.all(group.map((member) => member.records(0)))).flat()
      const read = new Set(all.map(({ value }) => value))
      missing = wanted.filter(({ value }) => !read.has(value))
      return missing.length === 0
    },
  )
  await Promise.all(group.map((member) => member.leave()))
  for (const broker of [first, second, third]) expect(failuresOf(broker)).toEqual([])
})
