import { describe, expect, test } from 'vitest'
import { alterTopicConfigs, increasePartitions } from '../../src/log/alter-topic.ts'
import { append } from '../../src/log/append.ts'
import { refsAtOnceMax } from '../../src/log/append-refs.ts'
import { appendTogether } from '../../src/log/append-together.ts'
import { newBlobId } from '../../src/log/blob-id.ts'
import { appendUpdate, headExcess, readHead } from '../../src/log/head.ts'
import { headKey } from '../../src/log/keys.ts'
import { createTopic, deleteTopic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { systemRandom } from '../../src/runtime/system.ts'
import { compile } from '../../src/store/aws/expressions.ts'
import type { StoreUse } from '../../src/store/meter.ts'
import { batchOf, freshCore, readAll, send, text } from './core.ts'
import { sendAs } from './producer.ts'
import { askedOf, type Brought, outcomesOf, together } from './together.ts'

const range = (count: number) => Array.from({ length: count }, (_, at) => at)
const valuesIn = async (core: Core, topic: Brought['topic'], partition = 0) =>
  (await readAll(core, topic, partition)).map(text)

/** The store calls that the work makes, by what they are. */
async function callsOf(core: Core, work: (metered: Core) => Promise<unknown>): Promise<string[]> {
  const uses: StoreUse[] = []
  const meter = (use: StoreUse) => void uses.push(use)
  await work({ ...core, items: core.items.metered(meter), objects: core.objects.metered(meter) })
  return uses.map(({ store, call }) => `${store}.${call}`).sort()
}

describe('what several callers append together', () => {
  test('is one update of the head, and each has its own offsets', async () => {
    const core = freshCore()
    const topic = await createTopic(core, { name: 't' })
    const brought = [['a', 'b'], ['c'], ['d', 'e']].map((values) => ({ topic, values }))
    const calls = await callsOf(core, async (metered) => {
      expect(await together(metered, brought)).toEqual([0, 2, 3])
    })
    expect(calls).toEqual(['items.update', 'items.update'])
    expect(await valuesIn(core, topic)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('to several topics and partitions shares one blob', async () => {
    const core = freshCore()
    const [one, two] = [
      await createTopic(core, { name: 'one', partitions: 3 }),
      await createTopic(core, { name: 'two' }),
    ]
    const large = 'x'.repeat(5_000)
    const brought = [
      { topic: one, partition: 0, values: [`${large}a`] },
      { topic: two, values: [`${large}b`] },
      { topic: one, partition: 2, values: ['c'] },
      { topic: one, partition: 0, values: ['d'] },
    ]
    const calls = await callsOf(core, async (metered) => {
      expect(await together(metered, brought)).toEqual([0, 0, 0, 1])
    })
    expect(calls).toEqual(['items.update', 'items.update', 'items.update', 'objects.put'])
    expect(await valuesIn(core, one)).toEqual([`${large}a`, 'd'])
    expect(await valuesIn(core, one, 2)).toEqual(['c'])
    expect(await valuesIn(core, two)).toEqual([`${large}b`])
  })

  test('alone costs what it costs without others', async () => {
    const fresh = freshCore()
    let now = Date.now()
    // How many marks a head keeps is told by time.
    const core = { ...fresh, clock: { ...fresh.clock, now: () => now } }
    const topic = await createTopic(core, { name: 't', partitions: 2 })
    for (const size of [1, 1_000, 9_000])
      for (let count = 0; count < 25; count++) {
        now += 1_000
        const values = ['v'.repeat(size)]
        const alone = await callsOf(core, (metered) => together(metered, [{ topic, partition: 0, values }]))
        const before = await callsOf(core, (metered) =>
          append(metered, topic, [{ partition: 1, records: batchOf(values) }]),
        )
        expect(alone).toEqual(before)
      }
  })

  test('is refused by itself where one of it is wrong', async () => {
    const core = freshCore()
    const topic = await createTopic(core, { name: 't', configs: { 'max.message.bytes': '2000' } })
    const gone = await createTopic(core, { name: 'gone' })
    await deleteTopic(core, 'gone')
    const broken = askedOf({ topic, values: ['broken'] })
    broken.batches.records[40] = (broken.batches.records[40] ?? 0) ^ 1
    await sendAs(core, topic, { producer: 7, sequence: 0, values: ['seven'] })
    const asked = [
      askedOf({ topic, values: ['a'] }),
      broken,
      askedOf({ topic, values: ['x'.repeat(3_000)] }),
      askedOf({ topic, partition: 5, values: ['nowhere'] }),
      askedOf({ topic: gone, values: ['gone'] }),
      askedOf({ topic, sent: { producer: 8, sequence: 0, values: ['eight'] } }),
      askedOf({ topic, sent: { producer: 7, sequence: 5, values: ['gap'] } }),
      askedOf({ topic, sent: { producer: 9, sequence: 0, values: ['nine'] } }),
      askedOf({ topic, values: ['b'] }),
    ]
    const outcomes = await outcomesOf(appendTogether(core, asked))
    expect(outcomes.map((one) => ('error' in one ? one.error.error : one.baseOffset))).toEqual([
      1,
      'CORRUPT_MESSAGE',
      'MESSAGE_TOO_LARGE',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_OR_PARTITION',
      3,
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      4,
      2,
    ])
    expect(await valuesIn(core, topic)).toEqual(['seven', 'a', 'b', 'eight', 'nine'])
  })

  test('reaches a topic that has grown, or was created anew, since it was last looked at', async () => {
    const core = freshCore()
    const topic = await createTopic(core, { name: 't' })
    await increasePartitions(core, 't', 2)
    expect(await together(core, [{ topic, partition: 1, values: ['grown'] }])).toEqual([0])
    await deleteTopic(core, 't')
    const anew = await createTopic(core, { name: 't' })
    expect(await together(core, [{ topic, values: ['a'] }])).toEqual([0])
    const byId = { ...askedOf({ topic, values: ['b'] }), sameTopicOnly: true }
    expect(await outcomesOf(appendTogether(core, [byId]))).toMatchObject([
      { error: { error: 'UNKNOWN_TOPIC_OR_PARTITION' } },
    ])
    expect(await valuesIn(core, anew)).toEqual(['a'])
  })

  test('is stamped with the log’s time where the topic has it so, each by its own', async () => {
    const core = freshCore()
    let now = 1_000_000
    const ticking = { ...core, clock: { ...core.clock, now: () => now++ } }
    const topic = await createTopic(ticking, { name: 't', configs: { 'message.timestamp.type': 'LogAppendTime' } })
    const outcomes = await outcomesOf(
      appendTogether(
        ticking,
        ['a', 'b'].map((value) => askedOf({ topic, values: [value] })),
      ),
    )
    const told = outcomes.map((one) => ('error' in one ? -1 : one.logAppendTimeMs))
    expect((await readAll(ticking, topic, 0)).map(({ timestampMs }) => timestampMs)).toEqual(told)
    expect(new Set(told).size).toBe(2)
  })

  test('goes by each caller’s own view of the topic’s configs', async () => {
    const core = freshCore()
    const topic = await createTopic(core, { name: 't' })
    const stamped = await alterTopicConfigs(core, 't', { 'message.timestamp.type': 'LogAppendTime' })
    const outcomes = await outcomesOf(
      appendTogether(core, [askedOf({ topic, values: ['a'] }), askedOf({ topic: stamped, values: ['b'] })]),
    )
    expect(outcomes.map((one) => 'logAppendTimeMs' in one && one.logAppendTimeMs > 0)).toEqual([false, true])
  })
})

describe('what idempotent producers append together', () => {
  test.each([3, 5, 9, 14])('leaves room for another like it, however many refs it brings: %d', async (count) => {
    const core = freshCore()
    const topic = await createTopic(core, { name: 't' })
    const id = { topicId: topic.id, partition: 0 }
    for (const sequence of range(40)) {
      const brought = range(count).map((producer) => ({ topic, sent: { producer, sequence, values: ['v'] } }))
      expect(await together(core, brought)).toHaveLength(count)
      const head = readHead(id, (await core.items.get(headKey(id))) ?? {})
      expect(headExcess(head, head.packedTail.at(-1)?.length ?? 0)).toBeLessThanOrEqual(0)
    }
  })

  test('is one update, in which each keeps its sequence', async () => {
    const core = freshCore()
    const topic = await createTopic(core, { name: 't' })
    const round = (sequence: number) =>
      range(10).map((producer) => ({ topic, sent: { producer, sequence, values: [`${producer}:${sequence}`] } }))
    const calls = await callsOf(core, async (metered) => {
      expect(await together(metered, round(0))).toEqual(range(10))
    })
    expect(calls).toEqual(['items.update', 'items.update'])
    expect(await together(core, round(1))).toEqual(range(10).map((at) => 10 + at))
    // Sent again, as if the answers had been lost.
    expect(await together(core, round(0))).toEqual(range(10))
    expect(await together(core, round(5))).toEqual(range(10).map(() => 'OUT_OF_ORDER_SEQUENCE_NUMBER'))
    expect((await readAll(core, topic, 0)).length).toBe(20)
  })

  test('keeps the order of two batches of one producer, and refuses what leaves a gap', async () => {
    const core = freshCore()
    const topic = await createTopic(core, { name: 't' })
    const sent = (producer: number, sequence: number) => ({
      topic,
      sent: { producer, sequence, values: [`${producer}:${sequence}`] },
    })
    const all = [sent(1, 0), sent(2, 0), sent(1, 1), sent(3, 0), sent(1, 2)]
    const calls = await callsOf(core, async (metered) => {
      expect(await together(metered, all)).toEqual([0, 1, 2, 3, 4])
    })
    expect(calls).toEqual(['items.update'])
    expect(await together(core, [sent(2, 7), sent(3, 1), sent(2, 1), sent(1, 1)])).toEqual([
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      5,
      6,
      2,
    ])
    expect(await valuesIn(core, topic)).toEqual(['1:0', '2:0', '1:1', '3:0', '1:2', '3:1', '2:1'])
  })

  test('keeps the order of twenty batches of one producer, and of large ones of nobody’s', async () => {
    const core = freshCore()
    const topic = await createTopic(core, { name: 't' })
    const large = 'x'.repeat(400_000)
    const brought = range(20).flatMap((sequence): Brought[] => [
      { topic, sent: { producer: 1, sequence, values: [`mine ${sequence}`] } },
      { topic, values: [`${large} ${sequence}`] },
    ])
    await together(core, brought)
    const values = await valuesIn(core, topic)
    expect(values.filter((value) => value.startsWith('mine'))).toEqual(range(20).map((at) => `mine ${at}`))
    expect(values.filter((value) => value.startsWith('x'))).toEqual(range(20).map((at) => `${large} ${at}`))
  })

  test('finds a batch that comes twice at once in one place', async () => {
    const core = freshCore()
    const topic = await createTopic(core, { name: 't' })
    const sent = { producer: 1, sequence: 0, values: ['once'] }
    expect(
      await together(core, [
        { topic, sent },
        { topic, values: ['other'] },
        { topic, sent },
      ]),
    ).toEqual([0, 1, 0])
    expect(await valuesIn(core, topic)).toEqual(['once', 'other'])
  })

  test('is as few updates as hold it, and one spill', async () => {
    const core = freshCore()
    const topic = await createTopic(core, { name: 't' })
    const brought = range(3 * refsAtOnceMax).map((producer) => ({
      topic,
      sent: { producer, sequence: 0, values: ['v'] },
    }))
    const calls = await callsOf(core, (metered) => together(metered, brought))
    // The blob, three of the head, a chunk, and what is dropped from the head.
    expect(calls).toEqual(range(6).map(() => 'items.update'))
  })

  test('may be of hundreds at once: none loses its place, whoever of them leaves the head', async () => {
    const core = freshCore()
    const topic = await createTopic(core, { name: 't' })
    const producers = range(300)
    for (const sequence of range(3)) {
      const brought = producers.map((producer) => ({ topic, sent: { producer, sequence, values: [`${sequence}`] } }))
      const outcomes = await together(core, brought)
      expect([...outcomes].sort((a, b) => Number(a) - Number(b))).toEqual(range(300).map((at) => sequence * 300 + at))
    }
    expect(await valuesIn(core, topic)).toEqual(range(900).map((at) => `${Math.floor(at / 300)}`))
  })

  test('may stand beside what others append, tiny records that are all alike', async () => {
    const core = freshCore()
    const topic = await createTopic(core, { name: 't' })
    const timestampMs = Date.now()
    const alike = batchOf([''], timestampMs)
    const asked = [
      { topic, batches: { partition: 0, records: alike }, sameTopicOnly: false },
      askedOf({ topic, sent: { producer: 1, sequence: 0, values: [''], timestampMs } }),
      { topic, batches: { partition: 0, records: alike }, sameTopicOnly: false },
    ]
    const outcomes = await outcomesOf(appendTogether(core, asked))
    expect(outcomes).toMatchObject([{ baseOffset: 0 }, { baseOffset: 2 }, { baseOffset: 1 }])
    expect(await send(core, topic, 0, ['next'])).toBe(3)
  })
})

test('an update of as many refs as are sent at once is within DynamoDB’s limits on expressions', () => {
  const appended = range(refsAtOnceMax).map((at) => ({
    ref: {
      id: newBlobId(Date.now(), systemRandom),
      stamp: 1,
      place: 'item' as const,
      position: at,
      length: 100,
      count: 1,
      maxTimestampMs: 1,
      ttlVersion: 1,
      producer: { id: 2 ** 40 + at, epoch: 5, firstSequence: 0 },
    },
    absence: { spills: 7 },
  }))
  const { patches, if: condition } = appendUpdate(appended, 0, 1)
  const { UpdateExpression = '', ConditionExpression = '' } = compile(patches, condition)
  const operators = ConditionExpression.match(/NOT|AND|OR|contains|attribute_\w+|size|<=|>=|<(?!=)|>(?!=)|(?<![<>])=/g)
  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
  expect(ConditionExpression.length).toBeLessThanOrEqual(4_096)
  expect(UpdateExpression.length).toBeLessThanOrEqual(4_096)
  expect(operators?.length).toBeLessThanOrEqual(300)
})
