import { setImmediate } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import type { Appender } from '../../src/broker/appender.ts'
import { newBroker } from '../../src/broker/broker.ts'
import { oneNode } from '../../src/broker/cluster-view.ts'
import { flushTogether } from '../../src/broker/flush-together.ts'
import { createTopic } from '../../src/log/topics.ts'
import { KafkaError } from '../../src/protocol/errors.ts'
import { readResponse } from '../../src/protocol/frame.ts'
import type { KafkaLimits } from '../../src/server/kafka/limits.ts'
import { startKafkaServer } from '../../src/server/kafka/listener.ts'
import { newServer } from '../http/kit.ts'
import { batchOf, clientAt, newest, produceTo, turns, until } from './kit.ts'

type Outcomes = Awaited<ReturnType<Appender>>
const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** A port whose appends end when the test says so, in any order. */
async function openGate(limits: Partial<KafkaLimits> = {}, appendsInOrder = true) {
  const { core } = newServer(undefined)
  await createTopic(core, { name: 'gate', partitions: 1 })
  const begun: ((outcome: Outcomes | Error) => void)[] = []
  const append: Appender = () =>
    new Promise((resolve, reject) =>
      begun.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome))),
    )
  const kafka = await startKafkaServer({
    host: '127.0.0.1',
    port: 0,
    clock: core.clock,
    limits,
    brokerAt: ({ host, port }) => newBroker({ core, view: oneNode(host, port), append, appendsInOrder }),
  })
  cleanups.push(() => kafka.stop(0))
  const client = await clientAt(kafka.port)
  const end = (at: number, outcome: Outcomes | Error = at > 0 ? appendedAt(at) : appendedAt(0)) => begun[at]?.(outcome)
  return { client, begun, end }
}

const appendedAt = (baseOffset: number): Outcomes => [
  [{ partition: 0, baseOffset, logAppendTimeMs: -1, logStartOffset: 0 }],
]
const request = (value = 'v') => produceTo('gate', batchOf([value]))
const version = 12

it('begins what is produced while earlier requests are on their way, and answers in order', async () => {
  const { client, begun, end } = await openGate()
  for (let at = 0; at < 3; at++) client.send('produce', request(), version)
  await until(() => begun.length === 3)
  end(2)
  end(1)
  const first = client.next()
  expect(await Promise.race([first, turns().then(() => 'none yet')])).toBe('none yet')
  end(0)
  for (const [at, frame] of [await first, await client.next(), await client.next()].entries()) {
    const { correlationId, value } = readResponse('produce', version, frame)
    expect([correlationId, value.responses[0]?.partitionResponses[0]?.baseOffset]).toEqual([at + 1, at])
  }
})

it('begins what comes while an earlier request is on its way', async () => {
  const { client, begun, end } = await openGate()
  client.send('produce', request(), version)
  await until(() => begun.length === 1)
  await turns()
  client.send('produce', request(), version)
  await until(() => begun.length === 2)
  end(1)
  end(0)
  for (const at of [0, 1]) {
    const { correlationId, value } = readResponse('produce', version, await client.next())
    expect([correlationId, value.responses[0]?.partitionResponses[0]?.baseOffset]).toEqual([at + 1, at])
  }
})

it('begins anything else only when what was produced before it is answered, and nothing beside it', async () => {
  const { client, begun, end } = await openGate()
  client.send('produce', request(), version)
  client.send('metadata', { topics: [] })
  client.send('produce', request(), version)
  await until(() => begun.length === 1)
  await turns()
  expect(begun.length).toBe(1)
  end(0)
  expect(readResponse('produce', version, await client.next()).correlationId).toBe(1)
  expect(readResponse('metadata', newest('metadata'), await client.next()).correlationId).toBe(2)
  await until(() => begun.length === 2)
  end(1)
  expect(readResponse('produce', version, await client.next()).correlationId).toBe(3)
})

it('begins no more than it may hold', async () => {
  const { client, begun, end } = await openGate({ overlappingBytesMax: 2_500 })
  for (let at = 0; at < 5; at++) client.send('produce', request('x'.repeat(1_000)), version)
  await until(() => begun.length === 3)
  await turns()
  expect(begun.length).toBe(3)
  for (let at = 0; at < 3; at++) end(at)
  await until(() => begun.length === 5)
})

it('begins no more small ones than it may hold, whatever their bytes: of one connection, and of all', async () => {
  const one = await openGate({ overlappingMax: 5 })
  for (let at = 0; at < 20; at++) one.client.send('produce', request(), version)
  await until(() => one.begun.length === 5)
  await turns()
  expect(one.begun.length).toBe(5)
  for (let at = 0; at < 5; at++) one.end(at)
  await until(() => one.begun.length === 10)
  const all = await openGate({ heldBytesMax: 100_000 })
  for (let at = 0; at < 100; at++) all.client.send('produce', request(), version)
  await until(() => all.begun.length > 5)
  await turns()
  expect(all.begun.length).toBeLessThan(20)
  for (let at = 0; at < 100; at++) {
    await until(() => all.begun.length > at)
    all.end(at)
    await all.client.next()
  }
})

it('begins one at a time where the log promises no order', async () => {
  const { client, begun, end } = await openGate({}, false)
  client.send('produce', request(), version)
  client.send('produce', request(), version)
  await until(() => begun.length === 1)
  await turns()
  expect(begun.length).toBe(1)
  end(0)
  await until(() => begun.length === 2)
})

it('closes after the answers before it where one without an answer fails, and waits for those under way', async () => {
  const { client, begun, end } = await openGate()
  client.send('produce', request(), version)
  client.send('produce', { ...request(), acks: 0 }, version)
  client.send('produce', request(), version)
  await until(() => begun.length === 3)
  end(1, new KafkaError('KAFKA_STORAGE_ERROR', 'lost'))
  end(2)
  await setImmediate()
  end(0)
  expect(readResponse('produce', version, await client.next()).correlationId).toBe(1)
  await client.closed
})

it('is in the log in the order in which one connection sent it', async () => {
  const { core } = newServer(undefined)
  await createTopic(core, { name: 'gate', partitions: 1 })
  const kafka = await startKafkaServer({
    host: '127.0.0.1',
    port: 0,
    clock: core.clock,
    brokerAt: ({ host, port }) =>
      newBroker({ core, view: oneNode(host, port), append: flushTogether(core), appendsInOrder: true }),
  })
  cleanups.push(() => kafka.stop(0))
  const client = await clientAt(kafka.port)
  const count = 200
  // Of all sizes: inside refs, as items, as objects.
  for (let at = 0; at < count; at++) client.send('produce', request(`${at}`.padEnd((at * 37) % 3_000)), version)
  for (let at = 0; at < count; at++) {
    const { value } = readResponse('produce', version, await client.next())
    expect(value.responses[0]?.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: at })
  }
})
