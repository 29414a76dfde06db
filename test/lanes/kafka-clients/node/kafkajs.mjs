/** KafkaJS, told what to do by its arguments: see ../client.ts. */
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { broker, inputClosed, options, run, tell, text, untilIs } from './commands.mjs'

// From the folder that the clients are installed in.
const require = createRequire(process.env.CLIENTS)
const {
  CompressionCodecs,
  CompressionTypes,
  ConfigResourceTypes,
  Kafka,
  logLevel,
  PartitionAssigners,
} = require('kafkajs')
const lz4 = require('lz4-napi')

// It has gzip of its own, and takes the others as codecs.
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: ({ buffer }) => lz4.compressFrame(buffer),
  decompress: (buffer) => lz4.decompressFrame(buffer),
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: ({ buffer }) => promisify(zlib.zstdCompress)(buffer),
  decompress: (buffer) => promisify(zlib.zstdDecompress)(buffer),
})
const codecs = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}
// A member waits for its leader, as long as that takes, in one request.
const requestTimeout = 30_000 + (options.assignMs ?? 0)
const kafka = new Kafka({ clientId: 'kafkajs', brokers: broker.split(','), logLevel: logLevel.NOTHING, requestTimeout })

const told = (partition, { offset, timestamp, key, value, headers = {} }) => ({
  partition,
  offset: Number(offset),
  timestamp: Number(timestamp),
  key: text(key),
  value: text(value),
  headers: Object.entries(headers).map(([name, data]) => [name, text(data)]),
})

async function produce({ topic, batches }) {
  const offsets = []
  for (const { compression, idempotent, records } of batches) {
    const producer = kafka.producer({ idempotent, ...(idempotent ? { maxInFlightRequests: 1 } : {}) })
    await producer.connect()
    const messages = records.map(({ timestamp, headers, ...record }) => ({
      ...record,
      timestamp: `${timestamp}`,
      headers: Object.fromEntries(headers),
    }))
    const answers = await producer.send({ topic, messages, acks: -1, compression: codecs[compression] })
    offsets.push(...answers.map(({ baseOffset }) => Number(baseOffset)))
    await producer.disconnect()
  }
  tell({ offsets })
}

async function consume({ topic, start, count }) {
  const admin = kafka.admin()
  await admin.connect()
  const [at] =
    typeof start === 'number'
      ? await admin.fetchTopicOffsetsByTimestamp(topic, start)
      : await admin.fetchTopicOffsets(topic)
  const offset = start === 'start' ? at.low : at.offset
  const consumer = kafka.consumer({ groupId: `${topic}-${start}`, maxWaitTimeInMs: 500 })
  await consumer.connect()
  await consumer.subscribe({ topic })
  const records = []
  const whole = Promise.withResolvers()
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      records.push(told(partition, message))
      if (records.length === count) whole.resolve()
    },
  })
  consumer.seek({ topic, partition: 0, offset })
  tell({ ready: true })
  await whole.promise
  await consumer.disconnect()
  await admin.disconnect()
  tell({ records })
}

/** One that takes its time over it. */
const slowly = (milliseconds) => (options) => {
  const assigner = PartitionAssigners.roundRobin(options)
  const assign = async (asked) => {
    await new Promise((resolve) => setTimeout(resolve, milliseconds))
    return assigner.assign(asked)
  }
  return { ...assigner, assign }
}

async function member({ group, topic, sessionMs, assignMs = 0, commitEvery = 1 }) {
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: sessionMs,
    heartbeatInterval: 500,
    // Whoever has not synchronised within it is put out.
    rebalanceTimeout: 10_000 + 2 * assignMs,
    maxWaitTimeInMs: 300,
    partitionAssigners: [slowly(assignMs)],
  })
  let mine = []
  let read = 0
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    if (mine.length > 0) tell({ revoked: mine })
    mine = payload.memberAssignment[topic] ?? []
    tell({ assigned: mine.toSorted() })
  })
  const reading = {
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      // A commit whose answer is lost may have been done: what it covers has to be told before, where a broker may die.
      if (commitEvery > 1) tell({ record: told(partition, message) })
      if (++read % commitEvery === 0)
        await consumer.commitOffsets([{ topic, partition, offset: `${Number(message.offset) + 1}` }])
      if (commitEvery === 1) tell({ record: told(partition, message) })
    },
  }
  // It goes on by itself after some, and stands still after others. Where a leader is not found where it was, it joins anew
  // beside the handler, whose commit then comes with a generation that is over: whoever runs it has to run it again.
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    if (restart) return
    if (causeOf(error).type === 'ILLEGAL_GENERATION') return consumer.run(reading)
    console.error(error)
    process.exit(1)
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run(reading)
  await inputClosed
  await consumer.disconnect()
}

async function load({ topic, partitions, atOnce }) {
  const producer = kafka.producer({ retry: { retries: 20, maxRetryTime: 2_000 } })
  await producer.connect()
  let open = true
  void inputClosed.then(() => {
    open = false
  })
  for (let sent = 0; open; sent += atOnce) {
    const messages = Array.from({ length: atOnce }, (_, at) => ({
      value: `${sent + at}`,
      partition: (sent + at) % partitions,
    }))
    await producer.send({ topic, messages, acks: -1 })
    for (const { partition, value } of messages) tell({ acked: { partition, value } })
  }
  await producer.disconnect()
}

async function admin({ topic, group }) {
  const admin = kafka.admin()
  await admin.connect()
  const results = {}
  const count = async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length
  await admin.createTopics({
    topics: [{ topic, numPartitions: 3, configEntries: [{ name: 'retention.ms', value: '123456789' }] }],
  })
  results.created = await count()
  await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] })
  results.grown = await untilIs(count, 5)
  const config = async (name) => {
    const { resources } = await admin.describeConfigs({
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: [name] }],
    })
    return resources[0].configEntries[0].configValue
  }
  results.retention = await config('retention.ms')
  await admin.alterConfigs({
    resources: [
      { type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name: 'max.message.bytes', value: '54321' }] },
    ],
  })
  results.altered = await config('max.message.bytes')

  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: [...'abcd'].map((value) => ({ value, partition: 0 })) })
  await producer.disconnect()
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
  const at = (await admin.fetchTopicOffsets(topic)).find(({ partition }) => partition === 0)
  results.offsets = [Number(at.low), Number(at.high)]

  const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 300 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const committed = Promise.withResolvers()
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => {
      await consumer.commitOffsets([{ topic, partition: 0, offset: `${Number(message.offset) + 1}` }])
      committed.resolve()
    },
  })
  await committed.promise
  const [described] = (await admin.describeGroups([group])).groups
  results.members = [described.state.toUpperCase(), described.members.length]
  await consumer.disconnect()
  const isListed = async () => (await admin.listGroups()).groups.some(({ groupId }) => groupId === group)
  results.listed = await isListed()
  const [{ partitions }] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  results.committed = Number(partitions.find(({ partition }) => partition === 0).offset)
  await admin.deleteGroups([group])
  results.groupDeleted = !(await isListed())
  await admin.deleteTopics({ topics: [topic] })
  results.topicDeleted = !(await admin.listTopics()).includes(topic)
  await admin.disconnect()
  tell({ results })
}

async function refused({ topic }) {
  const producer = kafka.producer({ retry: { retries: 2 }, metadataMaxAge: 100 })
  await producer.connect()
  const send = (value) => producer.send({ topic, messages: [{ value }] }).then(() => null, nameOf)
  const fits = await send('fits')
  const tooLarge = await send('x'.repeat(2_000_000))
  const admin = kafka.admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [topic] })
  await admin.disconnect()
  const gone = await send('comes too late')
  await producer.disconnect()
  if (fits !== null) throw new Error(fits)
  tell({ tooLarge, gone })
}

/** What the broker said, below what the client makes of it. */
function causeOf(error) {
  let found = error
  while (found.type === undefined && found.cause) found = found.cause
  return found
}

function nameOf(error) {
  const { type, message } = causeOf(error)
  return type ?? message
}

await run({ produce, consume, member, load, admin, refused })
