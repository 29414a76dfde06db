/** An idempotent producer that goes on in the middle of its sequence where nothing is known of it (docs/decisions/0010). */
import { afterEach, expect, it } from 'vitest'
import { newBroker } from '../../src/broker/broker.ts'
import { type ClusterView, oneNode } from '../../src/broker/cluster-view.ts'
import { flushTogether } from '../../src/broker/flush-together.ts'
import { createTopic, deleteTopic } from '../../src/log/topics.ts'
import { KafkaError } from '../../src/protocol/errors.ts'
import { startKafkaServer } from '../../src/server/kafka/listener.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { ItemStore } from '../../src/store/items.ts'
import { newServer } from '../http/kit.ts'
import { producerBatch } from '../log/producer.ts'
import { clientAt, produceTo } from './kit.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const minuteMs = 60_000
const code = (name: ConstructorParameters<typeof KafkaError>[0]) => new KafkaError(name, '').code

/** As `millrace start` opens it, but for what is told. `appendsInOrder`: functions do not. `more`: one of several brokers is told of them. */
async function open(appendsInOrder = true, more: Partial<ClusterView> = {}) {
  const server = newServer(undefined, { appendTimeoutMs: 1 })
  let aheadMs = 0
  let throttles = false
  const clock = { ...server.core.clock, uptime: () => server.core.clock.uptime() + aheadMs }
  const update: ItemStore['update'] = async (...asked) => {
    if (throttles) throw new StoreError('throttled', 'too fast')
    return server.core.items.update(...asked)
  }
  const core = { ...server.core, clock, items: { ...server.core.items, update } }
  await createTopic(core, { name: 't', partitions: 1 })
  const kafka = await startKafkaServer({
    host: '127.0.0.1',
    port: 0,
    clock,
    brokerAt: ({ host, port }) =>
      newBroker({
        core,
        view: { ...oneNode(host, port), ...more },
        ...(appendsInOrder ? { append: flushTogether(core), appendsInOrder } : {}),
      }),
  })
  cleanups.push(() => kafka.stop(0))
  const client = await clientAt(kafka.port)
  return {
    async send(sequence: number, epoch = 0) {
      const batch = producerBatch({ producer: 7, epoch, sequence, values: ['v'] })
      const { responses } = await client.call('produce', produceTo('t', batch), 12)
      return responses[0]?.partitionResponses[0]
    },
    throttle: (does: boolean) => {
      throttles = does
    },
    async createAnew() {
      await deleteTopic(core, 't')
      await createTopic(core, { name: 't', partitions: 1 })
    },
    pass: (ms: number) => {
      aheadMs += ms
    },
  }
}

it('is told so where its topic was created anew, and begins another epoch', async () => {
  const { send, createAnew } = await open()
  expect(await send(0)).toMatchObject({ errorCode: 0, baseOffset: 0 })
  expect(await send(1)).toMatchObject({ errorCode: 0, baseOffset: 1 })
  await createAnew()
  // Java sends a batch again and again, without another epoch, until it is told where the log starts.
  expect(await send(2)).toMatchObject({ errorCode: code('UNKNOWN_PRODUCER_ID'), logStartOffset: 0 })
  expect(await send(0, 1)).toMatchObject({ errorCode: 0, baseOffset: 0 })
})

it('is out of order where its first batch came by and failed, for as long as that may come again', async () => {
  const { send, throttle, pass } = await open()
  throttle(true)
  expect(await send(0)).toMatchObject({ errorCode: code('KAFKA_STORAGE_ERROR') })
  throttle(false)
  expect(await send(1)).toMatchObject({ errorCode: code('OUT_OF_ORDER_SEQUENCE_NUMBER') })
  pass(11 * minuteMs)
  expect(await send(1)).toMatchObject({ errorCode: code('UNKNOWN_PRODUCER_ID') })
  expect(await send(0)).toMatchObject({ errorCode: 0, baseOffset: 0 })
})

it.each([
  ['a function', () => open(false)],
  ['one of several brokers, for another may have led', () => open(true, { fences: true })],
])('is out of order where not all of its batches need come by: at %s', async (_, opened) => {
  const { send } = await opened()
  expect(await send(1)).toMatchObject({ errorCode: code('OUT_OF_ORDER_SEQUENCE_NUMBER') })
})
