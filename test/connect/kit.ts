import { setImmediate } from 'node:timers/promises'
import { afterEach } from 'vitest'
import { farEnd, type Sign } from '../../src/connect/far-end.ts'
import { relay } from '../../src/connect/relay.ts'
import { apiOfKey } from '../../src/protocol/apis.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import type { Settings } from '../../src/runtime/settings.ts'
import { systemClock } from '../../src/runtime/system.ts'
import { startHttpServer } from '../../src/server/http.ts'
import { type KafkaServer, startKafkaServer } from '../../src/server/kafka/listener.ts'
import { localHandlers } from '../../src/server/local-handlers.ts'
import type { Handlers, HttpHandler } from '../../src/server/respond.ts'
import { clientAt, type Door } from '../broker/kit.ts'
import { newServer, type Server } from '../http/kit.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

type Result = Awaited<ReturnType<HttpHandler>>

/** A deployment on this machine, and a port before it. */
export type Connected = Door & {
  /** Names of the APIs that were asked for at the far end, in order. */
  readonly asked: string[]
  /** What went to standard error. */
  readonly told: string[]
  /** May answer in the function's place, before it is called or after. */
  instead: (api: string, call: () => Promise<Result>) => Promise<Result>
  /** Cuts the port off as a kill does, and opens another in its place. */
  restart(): Promise<void>
  port(): number
}

export type ConnectedOptions = {
  readonly settings?: Partial<Settings>
  /** The deployment's time: waits that are long there are short here. */
  readonly clock?: Clock
  readonly longestPauseMs?: number
  readonly timeoutMs?: number
  readonly sign?: Sign
  readonly userArn?: string
}

export async function connected(options: ConnectedOptions = {}): Promise<Connected> {
  const { settings, clock = systemClock, longestPauseMs = 100, timeoutMs, sign, userArn } = options
  const made = newServer(undefined, settings)
  const http: Server = { ...made, core: { ...made.core, clock } }
  const asked: string[] = []
  const told: string[] = []
  const plain = localHandlers(http.core)
  const kafkaHandler: HttpHandler = (event, context) => {
    const name = apiOfKey(Buffer.from(event.body ?? '', 'base64').readInt16BE(0)) ?? 'unknown'
    asked.push(name)
    const iam = userArn ? { ...event.requestContext.authorizer.iam, userArn } : event.requestContext.authorizer.iam
    const called = { ...event, requestContext: { ...event.requestContext, authorizer: { iam } } }
    return door.instead(name, () => plain.kafka(called, context))
  }
  const handlers: Handlers = { ...plain, kafka: kafkaHandler }
  const server = await startHttpServer({ host: '127.0.0.1', port: 0, handlers, clock: systemClock })
  cleanups.push(() => server.stop(0))

  const openPort = async (port: number): Promise<KafkaServer> => {
    const opened = await startKafkaServer({
      host: '127.0.0.1',
      port,
      clock: systemClock,
      brokerAt(at) {
        const far = farEnd({
          url: server.url,
          advertise: `${at.host}:${at.port}`,
          ...(sign && { sign }),
          ...(timeoutMs !== undefined && { timeoutMs }),
        })
        cleanups.push(() => far.close())
        return relay({ farEnd: far, clock: systemClock, longestPauseMs, tell: (line) => told.push(line) })
      },
    })
    cleanups.push(() => opened.stop(0))
    return opened
  }
  let kafka = await openPort(0)
  const door: Connected = {
    core: http.core,
    http,
    get kafka() {
      return kafka
    },
    reports: told,
    told,
    asked,
    instead: (_api, call) => call(),
    client: () => clientAt(kafka.port),
    port: () => kafka.port,
    async topic(topic) {
      const client = await clientAt(kafka.port)
      const { name, partitions = 1 } = topic
      const wanted = { name, numPartitions: partitions, replicationFactor: -1, assignments: [], configs: [] }
      const { topics } = await client.call('createTopics', { topics: [wanted], timeoutMs: 1_000 })
      client.socket.destroy()
      return topics[0]?.topicId ?? ''
    },
    async restart() {
      const { port } = kafka
      await kafka.stop(0)
      kafka = await openPort(port)
    },
  }
  return door
}

/** A clock whose time passes only while somebody sleeps, and then at once. */
export function hasty(): Clock {
  let nowMs = systemClock.now()
  return {
    now: () => nowMs,
    uptime: () => nowMs,
    async sleep(ms, signal) {
      await setImmediate()
      if (!signal?.aborted) nowMs += ms
    },
  }
}
