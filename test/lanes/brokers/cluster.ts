/** Brokers as an operator runs them, each a process of its own over one table and bucket. */
import { setTimeout as pause } from 'node:timers/promises'
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
    try {
      return await client.call('metadata', { topics: topics.map((name) => ({ name })) })
    } finally {
      client.socket.destroy()
    }
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

export type Waited = {
  readonly tookMs: number
  /** How long it took to ask, on average. */
  readonly askedMs: number
}

const patienceMs = 100_000

/** Asks until it holds. `what`, for the reader of a failed test: what it waits for, and how that stands. */
export async function until(what: () => string, holds: () => Promise<boolean>): Promise<Waited> {
  const startedMs = performance.now()
  const elapsedMs = () => Math.round(performance.now() - startedMs)
  for (let asked = 1, pausedMs = 0; ; asked++) {
    const held = await holds()
    if (held) return { tookMs: elapsedMs(), askedMs: (elapsedMs() - pausedMs) / asked }
    if (elapsedMs() > patienceMs) throw new Error(`not within ${patienceMs} ms: ${what()}`)
    const pausesMs = performance.now()
    await pause(100)
    pausedMs += performance.now() - pausesMs
  }
}
