/** What is done to both alike: Apache Kafka and Millrace, each behind a Kafka port, and read with kcat. */
import { setTimeout } from 'node:timers/promises'
import { clientAt, produceTo } from '../../broker/kit.ts'
import { kcatCommand } from '../kafka-clients/install.ts'
import { runProgram } from '../kafka-clients/program.ts'

/** A record as kcat shows it. */
export type Read = {
  readonly offset: number
  readonly ts: number
  readonly key: string | null
  readonly payload: string | null
}

export type Side = {
  readonly name: string
  readonly port: number
  /**
   * Resolves when everything before `end`, which is to be rolled, has been compacted, and its clock is so much further. Whatever more
   * could be done then is done.
   */
  cleaned(topic: string, end: number): Promise<void>
  /** Resolves when retention has done what it does while `condition` does not hold yet; rejects where it never does. */
  retained(topic: string, condition: () => Promise<boolean>): Promise<void>
  stop(): Promise<void>
}

const patienceMs = 100_000

/** Asks again until it is so. */
export async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + patienceMs; !(await condition()); await setTimeout(50)) {
    if (Date.now() > deadline) throw new Error(`within ${patienceMs} ms it was not so that ${what}`)
  }
}

export async function createTopic(side: Side, name: string, configs: Readonly<Record<string, string>>): Promise<void> {
  const client = await clientAt(side.port)
  const told = Object.entries(configs).map(([name, value]) => ({ name, value }))
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: told }
  const { topics } = await client.call('createTopics', { topics: [topic] })
  if (topics[0]?.errorCode !== 0) throw new Error(`${side.name}: ${topics[0]?.errorMessage}`)
  // Kafka's broker knows that it leads a moment after it said that the topic is there.
  await eventually(`${name} has a leader`, async () => {
    const found = await client.call('metadata', { topics: [{ name }], allowAutoTopicCreation: false })
    return found.topics[0]?.errorCode === 0 && (await askStart(side, name)) !== undefined
  })
}

/** Appends each batch by a request of its own; the base offset that each got, or its error code where it is refused. */
export async function append(
  side: Side,
  topic: string,
  batches: readonly Uint8Array[],
): Promise<readonly { readonly errorCode: number; readonly baseOffset: number }[]> {
  const client = await clientAt(side.port)
  const answers: { errorCode: number; baseOffset: number }[] = []
  for (const batch of batches) {
    const { responses } = await client.call('produce', { ...produceTo(topic, batch), timeoutMs: 30_000 }, 12)
    const [answer] = responses[0]?.partitionResponses ?? []
    if (!answer) throw new Error(`${side.name} did not answer for ${topic}`)
    answers.push({ errorCode: answer.errorCode, baseOffset: answer.baseOffset })
  }
  client.socket.destroy()
  return answers
}

/** Where the log starts; undefined where nobody leads it yet. */
async function askStart(side: Side, name: string): Promise<number | undefined> {
  const client = await clientAt(side.port)
  const partitions = [{ partitionIndex: 0, timestamp: -2 }]
  const { topics } = await client.call('listOffsets', { replicaId: -1, topics: [{ name, partitions }] })
  client.socket.destroy()
  const [answer] = topics[0]?.partitions ?? []
  return answer?.errorCode === 0 ? answer.offset : undefined
}

export async function startOffset(side: Side, topic: string): Promise<number> {
  const offset = await askStart(side, topic)
  if (offset === undefined) throw new Error(`${side.name} does not tell where ${topic} starts`)
  return offset
}

/** From the beginning to the end, every batch's checksum checked. */
export async function readAll({ port }: Side, topic: string): Promise<readonly Read[]> {
  const how = ['-C', '-q', '-J', '-e', '-o', 'beginning', '-X', 'check.crcs=true']
  const lines = await runProgram({ file: await kcatCommand(), args: ['-b', `127.0.0.1:${port}`, ...how, '-t', topic] })
  return lines.map((line) => {
    const { offset, ts, key, payload }: Read = JSON.parse(line)
    return { offset, ts, key, payload }
  })
}
