/** Brokers as an operator runs them, each a process of its own over one table and bucket. */
import { inject } from 'vitest'
import { clientAt } from '../../broker/kit.ts'
import { type Millrace, startMillrace } from '../../server/millrace-process.ts'
import { freePort } from '../process.ts'

export type Broker = {
  readonly id: number
  readonly address: string
  /** The process that runs now, or ran last. */
  process(): Millrace
  /** Starts it again, under its id and at its address. */
  start(): Promise<void>
}

export type Brokers = {
  readonly all: readonly Broker[]
  /** `host:port` of each. */
  readonly bootstrap: string
  /** Of each partition, as this broker tells: its leader, -1 for none. */
  leadersOf(topics: readonly string[], told: Broker): Promise<readonly number[]>
  /** How many this broker knows to be there. */
  knownTo(told: Broker): Promise<number>
}

export async function startBrokers(name: string, count: number): Promise<Brokers> {
  const stores = ['--store', 'aws', '--table', `${name}-table`, '--bucket', `${name}-bucket`]
  const one = async (id: number): Promise<Broker> => {
    const port = await freePort()
    const args = [...stores, '--kafka', `${port}`, '--node-id', `${id}`, '--no-auto-create-topics']
    const launch = () => startMillrace(args, { AWS_ENDPOINT_URL: inject('ministackUrl') })
    let running = await launch()
    return {
      id,
      address: running.kafka,
      process: () => running,
      async start() {
        running = await launch()
      },
    }
  }
  const all = await Promise.all(Array.from({ length: count }, (_, at) => one(at + 1)))
  const metadata = async ({ address }: Broker, topics: readonly string[]) => {
    const client = await clientAt(Number(address.split(':').at(-1)))
    return client.call('metadata', { topics: topics.map((name) => ({ name })) })
  }
  return {
    all,
    bootstrap: all.map(({ address }) => address).join(','),
    async leadersOf(topics, told) {
      const answer = await metadata(told, topics)
      return answer.topics.flatMap(({ partitions }) => partitions.map(({ leaderId }) => leaderId))
    },
    knownTo: async (told) => (await metadata(told, [])).brokers.length,
  }
}

/** Asks until it holds; resolves with the milliseconds that it took. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<number> {
  const startedMs = performance.now()
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 100))
  return Math.round(performance.now() - startedMs)
}
