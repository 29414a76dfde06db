import { describe, expect, it } from 'vitest'
import { appendEach, type TopicBatches } from '../../src/broker/appender.ts'
import { flushLimits, flushTogether } from '../../src/broker/flush-together.ts'
import { increasePartitions } from '../../src/log/alter-topic.ts'
import type { AppendOutcome } from '../../src/log/append.ts'
import { createTopic, type Topic, topicNamed } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import type { ItemStore, Key } from '../../src/store/items.ts'
import { coreOver, readAll, text } from '../log/core.ts'
import { batchOf, turns, until } from './kit.ts'

const range = (count: number) => Array.from({ length: count }, (_, at) => at)
const request = (topic: Topic, value: string, partition = 0): TopicBatches[] => [
  { topic, batches: [{ partition, records: batchOf([value]) }], byId: false },
]
const offsetsOf = (outcomes: readonly (readonly AppendOutcome[])[]) =>
  outcomes.flat().map((one) => ('error' in one ? one.error.error : one.baseOffset))

/** A store whose updates of heads wait until they are let go. */
async function heldStore(partitions = 1) {
  const stores = memoryStores()
  const waiting: { readonly pk: string; readonly go: () => void }[] = []
  const blobs: string[] = []
  const plain = coreOver(stores)
  const topic = await createTopic(plain, { name: 't', partitions })
  const items: ItemStore = {
    ...stores.items,
    update: async (key: Key, change) => {
      if (key.pk.startsWith('b/')) blobs.push(key.pk)
      if (key.pk.startsWith('h/')) await new Promise<void>((go) => waiting.push({ pk: key.pk, go }))
      return stores.items.update(key, change)
    },
  }
  const letGo = () => {
    for (const { go } of waiting.splice(0)) go()
  }
  return { core: coreOver({ ...stores, items }), plain, topic, waiting, blobs, letGo }
}

describe('requests that come together', () => {
  it('go at once where nothing is under way, without a timer', async () => {
    const { core, topic, waiting, letGo } = await heldStore()
    let slept = 0
    const clock = {
      ...core.clock,
      sleep: (ms: number, signal?: AbortSignal) => {
        slept++
        return core.clock.sleep(ms, signal)
      },
    }
    const append = flushTogether({ ...core, clock })
    const answer = append(request(topic, 'a'))
    await until(() => waiting.length === 1)
    letGo()
    expect(offsetsOf(await answer)).toEqual([0])
    // The one that would make a flush stand back for others, which was called off.
    expect(slept).toBe(1)
  })

  it('wait while their partition is flushed, and go in one update in the order in which they came', async () => {
    const { core, plain, topic, waiting, letGo } = await heldStore()
    const append = flushTogether(core)
    const first = append(request(topic, 'first'))
    await until(() => waiting.length === 1)
    const others = range(10).map((at) => append(request(topic, `other ${at}`)))
    await turns()
    expect(waiting.length).toBe(1)
    letGo()
    expect(offsetsOf(await first)).toEqual([0])
    await until(() => waiting.length === 1)
    letGo()
    expect((await Promise.all(others)).flatMap(offsetsOf)).toEqual(range(10).map((at) => at + 1))
    expect((await readAll(plain, topic, 0)).map(text)).toEqual(['first', ...range(10).map((at) => `other ${at}`)])
  })

  it('have their answers when their records are in the log, before its tail has room for the next', async () => {
    const { core, topic, waiting, letGo } = await heldStore()
    const append = flushTogether(core)
    let sent = 0
    do {
      const answer = append(request(topic, 'a'.repeat(100)))
      await until(() => waiting.length === 1)
      letGo()
      expect(offsetsOf(await answer)).toEqual([sent++])
      await turns()
    } while (waiting.length === 0)
    const next = append(request(topic, 'next'))
    await turns()
    // What drops the tail's older refs, and nothing else yet.
    expect(waiting.length).toBe(1)
    letGo()
    await until(() => waiting.length === 1)
    letGo()
    expect(offsetsOf(await next)).toEqual([sent])
  })

  it('are answered, and followed by others, where making room goes wrong; that is told', async () => {
    const { plain, topic } = await heldStore()
    const wrong = new TypeError('a mistake of ours')
    const items: ItemStore = {
      ...plain.items,
      update: (key, change) => (key.sk.endsWith('c') ? Promise.reject(wrong) : plain.items.update(key, change)),
    }
    const reports: unknown[] = []
    const append = flushTogether({ ...plain, items }, flushLimits, (error) => reports.push(error))
    for (let sent = 0; reports.length < 2; sent++)
      expect(offsetsOf(await append(request(topic, 'a'.repeat(100))))).toEqual([sent])
    expect(reports).toEqual([wrong, wrong])
  })

  it('share one blob, whatever partitions they are for', async () => {
    const { core, topic, waiting, blobs, letGo } = await heldStore(3)
    const append = flushTogether(core, { ...flushLimits, flushesMax: 1 })
    const first = append(request(topic, 'first'))
    await until(() => waiting.length === 1)
    const others = range(3).map((partition) => append(request(topic, 'x'.repeat(300), partition)))
    letGo()
    await until(() => waiting.length === 3)
    letGo()
    await Promise.all([first, ...others])
    expect(blobs.length).toBe(1)
  })

  it('are as many as the limit of bytes allows; a larger one goes alone', async () => {
    const { core, topic, waiting, letGo } = await heldStore()
    const append = flushTogether(core, { ...flushLimits, bytesMax: 1_000 })
    const answers = ['a', 'b', 'c', 'x'.repeat(5_000), 'd'].map((value) => append(request(topic, value)))
    const sizes: number[] = []
    let done = 0
    for (const answer of answers) void answer.then(() => done++)
    while (done < answers.length) {
      await until(() => waiting.length > 0 || done === answers.length)
      const before = done
      letGo()
      await turns()
      if (done > before) sizes.push(done - before)
    }
    expect(sizes).toEqual([1, 2, 1, 1])
    expect(await readAll(core, topic, 0)).toHaveLength(5)
  })

  it('of other partitions do not wait for one that the store does not answer for', async () => {
    const { core, topic, waiting, letGo } = await heldStore(2)
    const append = flushTogether(core, { ...flushLimits, flushesMax: 1, heldMsMax: 5 })
    const stuck = append(request(topic, 'stuck'))
    await until(() => waiting.length === 1)
    const behind = append(request(topic, 'behind'))
    const other = append(request(topic, 'other', 1))
    await until(() => waiting.length === 2)
    waiting.pop()?.go()
    expect(offsetsOf(await other)).toEqual([0])
    letGo()
    expect(offsetsOf(await stuck)).toEqual([0])
    await until(() => waiting.length === 1)
    letGo()
    expect(offsetsOf(await behind)).toEqual([1])
  })

  it('may be ever so many behind one that the store does not answer for, and cost the others nothing', async () => {
    const { core, topic, waiting, letGo } = await heldStore(2)
    const append = flushTogether(core, { ...flushLimits, heldMsMax: 1 })
    const [behind, other] = [request(topic, 'behind'), request(topic, 'other', 1)]
    const stuck = append(request(topic, 'stuck'))
    await until(() => waiting.length === 1)
    const line = range(30_000).map(() => append(behind))
    let others = 0
    void (async () => {
      for (const _ of range(200)) await append(other).then(() => others++)
    })()
    await until(() => {
      for (const { go } of waiting.splice(1)) go()
      return others === 200
    })
    let last: ReturnType<typeof offsetsOf> | undefined
    void line.at(-1)?.then((outcomes) => {
      last = offsetsOf(outcomes)
    })
    await until(() => {
      letGo()
      return last !== undefined
    })
    expect([offsetsOf(await stuck), last]).toEqual([[0], [30_000]])
  })

  it('for several partitions pass nobody and are passed by nobody', async () => {
    const { core, plain, topic, waiting, letGo } = await heldStore(3)
    const append = flushTogether(core)
    const both = (one: string, other: string): TopicBatches[] => [
      {
        topic,
        batches: [
          { partition: 0, records: batchOf([one]) },
          { partition: 1, records: batchOf([other]) },
        ],
        byId: false,
      },
    ]
    const asked = [
      append(request(topic, 'a', 0)),
      append(both('b', 'A')),
      append(request(topic, 'B', 1)),
      append(request(topic, 'free', 2)),
      append(both('c', 'C')),
      append(request(topic, 'd', 0)),
    ]
    let done = 0
    for (const one of asked) void one.then(() => done++)
    while (done < asked.length) {
      await until(() => waiting.length > 0 || done === asked.length)
      letGo()
      await turns()
    }
    const values = await Promise.all(range(3).map((at) => readAll(plain, topic, at)))
    expect(values.map((records) => records.map(text))).toEqual([['a', 'b', 'c', 'd'], ['A', 'B', 'C'], ['free']])
  })

  it('stand in their order also in a partition that this process has not heard of', async () => {
    const { core, plain, topic, waiting } = await heldStore()
    await increasePartitions(plain, 't', 2)
    const append = flushTogether(core)
    const answers = range(10).map((at) => append(request(topic, `${at}`, 1)))
    let done = 0
    for (const answer of answers) void answer.then(() => done++)
    while (done < answers.length) {
      await turns()
      waiting.pop()?.go()
    }
    expect((await readAll(plain, await topicNamed(plain, 't'), 1)).map(text)).toEqual(range(10).map(String))
  })

  it('are answered each for itself where one of them fails', async () => {
    const { core, topic, waiting, letGo } = await heldStore()
    const append = flushTogether(core)
    const first = append(request(topic, 'first'))
    await until(() => waiting.length === 1)
    const others = [append(request(topic, 'nowhere', 9)), append(request(topic, 'good')), append([])]
    letGo()
    await until(() => waiting.length === 1)
    letGo()
    await first
    expect((await Promise.all(others)).map(offsetsOf)).toEqual([['UNKNOWN_TOPIC_OR_PARTITION'], [1], []])
  })
})

it('a lone caller makes as many calls, one after the other, as without the stage', async () => {
  const calls = async (append: (core: Core) => ReturnType<typeof appendEach>) => {
    const stores = memoryStores()
    const counted: string[] = []
    const core = coreOver(stores)
    const metered = { ...core, items: core.items.metered(({ call }) => void counted.push(call)) }
    const topic = await createTopic(core, { name: 't' })
    for (let count = 0; count < 5; count++) await append(metered)(request(topic, 'x'.repeat(100 * count)))
    return counted
  }
  expect(await calls(flushTogether)).toEqual(await calls(appendEach))
})
