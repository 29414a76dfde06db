import { connect, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { afterEach } from 'vitest'
import { newBroker } from '../../src/broker/broker.ts'
import { type ClusterView, oneNode } from '../../src/broker/cluster-view.ts'
import { createTopic, type NewTopic } from '../../src/log/topics.ts'
import { type ApiName, apis } from '../../src/protocol/apis.ts'
import type { MessageIn, MessageOut } from '../../src/protocol/codec/message.ts'
import { readResponse, requestFrame } from '../../src/protocol/frame.ts'
import { encodeBatch } from '../../src/protocol/records/batch.ts'
import type { Core } from '../../src/runtime/core.ts'
import type { Settings } from '../../src/runtime/settings.ts'
import type { KafkaLimits } from '../../src/server/kafka/limits.ts'
import { type KafkaServer, startKafkaServer } from '../../src/server/kafka/listener.ts'
import { newServer, type Server } from '../http/kit.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

export type Door = {
  readonly core: Core
  readonly http: Server
  readonly kafka: KafkaServer
  /** What the broker said went wrong. */
  readonly reports: unknown[]
  client(): Promise<Client>
  topic(topic: NewTopic): Promise<string>
}

export type DoorOptions = {
  readonly settings?: Partial<Settings>
  readonly limits?: Partial<KafkaLimits>
  readonly http?: Server
  readonly view?: (port: number) => ClusterView
}

/** A Kafka port and an HTTP API over one core in memory. */
export async function openDoor({
  settings,
  limits,
  http = newServer(undefined, settings),
  view,
}: DoorOptions = {}): Promise<Door> {
  const { core } = http
  const reports: unknown[] = []
  const kafka = await startKafkaServer({
    host: '127.0.0.1',
    port: 0,
    clock: core.clock,
    brokerAt: ({ host, port }) =>
      newBroker({ core, view: view?.(port) ?? oneNode(host, port), report: (error) => reports.push(error) }),
    ...(limits ? { limits } : {}),
  })
  cleanups.push(() => kafka.stop(0))
  return {
    core,
    http,
    kafka,
    reports,
    client: () => clientAt(kafka.port),
    topic: async (topic) => (await createTopic(core, topic)).id,
  }
}

export type Request<Name extends ApiName> = MessageIn<(typeof apis)[Name]['request']>
export type Response<Name extends ApiName> = MessageOut<(typeof apis)[Name]['response']>

/** One connection, and no more than the codec. */
export type Client = {
  readonly socket: Socket
  /** Asks and waits for the answer, in the newest version unless told otherwise. */
  call<Name extends ApiName>(name: Name, request: Request<Name>, version?: number): Promise<Response<Name>>
  /** Sends without waiting; the correlation id is what the answer will have. */
  send<Name extends ApiName>(name: Name, request: Request<Name>, version?: number): number
  /** The next answer's bytes, without their length. */
  next(): Promise<Buffer>
  write(bytes: Uint8Array): void
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>
}

export const newest = (name: ApiName): number => apis[name].versions[1]

export const frameOf = <Name extends ApiName>(
  name: Name,
  request: Request<Name>,
  correlationId = 1,
  version = newest(name),
) => Buffer.concat(requestFrame(name, version, { correlationId, clientId: 'test' }, request))

/** A client of the port. It is gone when the test ends. */
export async function clientAt(port: number): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  cleanups.push(() => socket.destroy())
  socket.on('error', () => {})
  const frames: Buffer[] = []
  let news = () => {}
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve()
      news()
    })
  })
  let received = Buffer.alloc(0)
  socket.on('data', (data) => {
    received = Buffer.concat([received, data])
    while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
      const end = 4 + received.readInt32BE(0)
      frames.push(received.subarray(4, end))
      received = received.subarray(end)
    }
    news()
  })
  let ids = 0
  const send = <Name extends ApiName>(name: Name, request: Request<Name>, version = newest(name)): number => {
    socket.write(frameOf(name, request, ++ids, version))
    return ids
  }
  const next = async (): Promise<Buffer> => {
    for (;;) {
      const frame = frames.shift()
      if (frame) return frame
      if (socket.closed) throw new Error('the connection was closed')
      await new Promise<void>((resolve) => {
        news = resolve
      })
    }
  }
  return {
    socket,
    send,
    next,
    closed,
    write: (bytes) => void socket.write(bytes),
    async call(name, request, version = newest(name)) {
      const id = send(name, request, version)
      const { correlationId, value } = readResponse(name, version, await next())
      if (correlationId !== id) throw new Error(`asked ${id}, answered ${correlationId}`)
      return value
    },
  }
}

/** One batch with a record for each value. */
export const batchOf = (values: readonly string[], timestampMs = Date.now()): Uint8Array =>
  encodeBatch(values.map((value) => ({ key: null, value: Buffer.from(value), headers: [], timestampMs })))

export const produceTo = (topic: string, records: Uint8Array, partition = 0, acks = -1): Request<'produce'> => ({
  acks,
  timeoutMs: 1_000,
  topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
})

export type FetchOptions = { readonly maxWaitMs?: number; readonly minBytes?: number; readonly partition?: number }

/** Works up to version 12: later ones name the topic by its id. */
export const fetchFrom = (
  topic: string,
  fetchOffset: number,
  { maxWaitMs = 0, minBytes = 1, partition = 0 }: FetchOptions = {},
): Request<'fetch'> => ({
  maxWaitMs,
  minBytes,
  topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_048_576 }] }],
})

/** Waits for a condition. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate()
}

/** Turns enough for whatever could happen by itself to have happened. */
export async function turns(count = 100): Promise<void> {
  for (let turn = 0; turn < count; turn++) await setImmediate()
}
