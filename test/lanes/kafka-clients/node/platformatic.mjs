/** @platformatic/kafka, told what to do by its arguments: see ../client.ts. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { broker, inputClosed, run, tell, text, untilIs } from './commands.mjs'

// From the folder that the clients are installed in.
const require = createRequire(process.env.CLIENTS)
const { Admin, ConfigResourceTypes, Consumer, IncrementalAlterConfigOperationTypes, ListOffsetTimestamps, Producer } =
  await import(pathToFileURL(require.resolve('@platformatic/kafka')))

const base = { clientId: 'platformatic', bootstrapBrokers: [broker], timeout: 15_000 }

const data = (string) => (string === null ? null : Buffer.from(string))

const told = ({ partition, offset, timestamp, key, value, headerEntries }) => ({
  partition,
  offset: Number(offset),
  timestamp: Number(timestamp),
  key: text(key),
  value: text(value),
  headers: headerEntries.map(([name, value]) => [text(name), text(value)]),
})

async function produce({ topic, batches }) {
  const offsets = []
  for (const { compression, idempotent, records } of batches) {
    const producer = new Producer({ ...base, idempotent, compression })
    const messages = records.map(({ partition, key, value, headers, timestamp }) => ({
      topic,
      partition,
      key: data(key),
      value: data(value),
      timestamp: BigInt(timestamp),
      headers: new Map(headers.map(([name, value]) => [Buffer.from(name), Buffer.from(value)])),
    }))
    const answer = await producer.send({ messages, acks: -1 })
    offsets.push(...answer.offsets.map(({ offset }) => Number(offset)))
    await producer.close()
  }
  tell({ offsets })
}

async function consume({ topic, start, count }) {
  const consumer = new Consumer({ ...base, groupId: `${topic}-${start}`, autocommit: false, maxWaitTime: 500 })
  const timestamp =
    typeof start === 'number'
      ? BigInt(start)
      : start === 'start'
        ? ListOffsetTimestamps.EARLIEST
        : ListOffsetTimestamps.LATEST
  const [offset] = (await consumer.listOffsets({ topics: [topic], timestamp })).get(topic)
  const stream = await consumer.consume({ topics: [topic], mode: 'manual', offsets: [{ topic, partition: 0, offset }] })
  tell({ ready: true })
  const records = []
  for await (const message of stream) {
    records.push(told(message))
    if (records.length === count) break
  }
  await consumer.close(true)
  tell({ records })
}

async function member({ group, topic, sessionMs, instance, protocol }) {
  const consumer = new Consumer({
    ...base,
    groupId: group,
    sessionTimeout: sessionMs,
    heartbeatInterval: 500,
    rebalanceTimeout: Math.max(10_000, sessionMs),
    maxWaitTime: 300,
    autocommit: false,
    protocols: [
      protocol === 'cooperative' ? { name: 'cooperative-sticky', version: 3 } : { name: 'range', version: 1 },
    ],
    ...(instance === null ? {} : { groupInstanceId: instance }),
  })
  let mine = []
  consumer.on('consumer:group:join', ({ assignments = [] }) => {
    const given = assignments.find((one) => one.topic === topic)?.partitions ?? []
    const lost = mine.filter((partition) => !given.includes(partition))
    if (lost.length > 0) tell({ revoked: lost })
    mine = given
    tell({ assigned: mine.toSorted() })
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
  void inputClosed.then(() => stream.close())
  for await (const message of stream) {
    await message.commit()
    tell({ record: told(message) })
  }
  await consumer.close(true)
}

async function admin({ topic, group }) {
  const admin = new Admin(base)
  const consumer = new Consumer({ ...base, groupId: group, autocommit: false, maxWaitTime: 300 })
  const results = {}
  const count = async () =>
    (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitionsCount
  await admin.createTopics({
    topics: [topic],
    partitions: 3,
    replicas: 1,
    configs: [{ name: 'retention.ms', value: '123456789' }],
  })
  results.created = await count()
  await admin.createPartitions({ topics: [{ name: topic, count: 5 }] })
  results.grown = await untilIs(count, 5)
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }
  const config = async (name) => {
    const [{ configs }] = await admin.describeConfigs({ resources: [{ ...resource, configurationKeys: [name] }] })
    return configs.find((one) => one.name === name).value
  }
  results.retention = await config('retention.ms')
  const change = {
    name: 'max.message.bytes',
    configOperation: IncrementalAlterConfigOperationTypes.SET,
    value: '54321',
  }
  await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs: [change] }] })
  results.altered = await config('max.message.bytes')

  const producer = new Producer(base)
  for (const value of 'abcd') await producer.send({ messages: [{ topic, partition: 0, value: data(value) }], acks: -1 })
  await producer.close()
  await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }] })
  const offset = async (timestamp) => {
    const [{ partitions }] = await admin.listOffsets({
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }],
    })
    return Number(partitions[0].offset)
  }
  results.offsets = [await offset(ListOffsetTimestamps.EARLIEST), await offset(ListOffsetTimestamps.LATEST)]

  const stream = await consumer.consume({ topics: [topic], mode: 'earliest' })
  for await (const message of stream) {
    await message.commit()
    const described = (await admin.describeGroups({ groups: [group] })).get(group)
    results.members = [described.state.toUpperCase(), described.members.size]
    break
  }
  await consumer.close(true)
  const isListed = async () => (await admin.listGroups()).has(group)
  results.listed = await isListed()
  const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [group] })
  results.committed = Number(topics[0].partitions.find((one) => one.partitionIndex === 0).committedOffset)
  await admin.deleteGroups({ groups: [group] })
  results.groupDeleted = !(await isListed())
  await admin.deleteTopics({ topics: [topic] })
  results.topicDeleted = !(await admin.listTopics()).includes(topic)
  await admin.close()
  tell({ results })
}

async function refused({ topic }) {
  const producer = new Producer({ ...base, retries: 1, retryDelay: 200 })
  const send = (value) =>
    producer.send({ messages: [{ topic, partition: 0, value: data(value) }], acks: -1 }).then(() => null, nameOf)
  const fits = await send('fits')
  const tooLarge = await send('x'.repeat(2_000_000))
  const admin = new Admin(base)
  await admin.deleteTopics({ topics: [topic] })
  await admin.close()
  const gone = await send('comes too late')
  await producer.close(true)
  if (fits !== null) throw new Error(fits)
  tell({ tooLarge, gone })
}

/** What the broker said, below what the client makes of it. */
function nameOf(error) {
  const all = [error]
  for (const one of all) {
    if (one.apiId) return one.apiId
    all.push(...(one.errors ?? []), ...(one.cause ? [one.cause] : []))
  }
  return all.at(-1).message
}

await run({ produce, consume, member, admin, refused })
