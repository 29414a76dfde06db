import fc from 'fast-check'
import { expect, test } from 'vitest'
import { appendTogether } from '../../src/log/append-together.ts'
import { createTopic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { batchOf, coreOver, readAll, send, text } from './core.ts'
import { type Fate, overBadNetwork } from './faults.ts'
import { sendAs } from './producer.ts'
import { type Brought, outcomesOf, together } from './together.ts'

const hurried = (core: Core): Core => ({ ...core, clock: { ...core.clock, sleep: async () => {} } })
const range = (count: number) => Array.from({ length: count }, (_, at) => at)

test('one update of several refs whose answer is lost is sent again as it is, and applies once', async () => {
  const stores = memoryStores()
  const topic = await createTopic(coreOver(stores), { name: 'orders' })
  const { items, late } = overBadNetwork(stores.items, (_, count) => (count < 3 ? 'answer lost' : 'goes well'))
  const core = hurried(coreOver({ ...stores, items }))
  const brought = range(4).map(
    (producer): Brought => ({ topic, sent: { producer, sequence: 0, values: [`${producer}`] } }),
  )
  expect(await together(core, [...brought, { topic, values: ['plain'] }])).toEqual([0, 1, 2, 3, 4])
  for (const copy of late) await copy()
  expect((await readAll(core, topic, 0)).map(text)).toEqual(['0', '1', '2', '3', 'plain'])
})

test('refs that have left the tail when their update is sent again are found one by one', async () => {
  const stores = memoryStores()
  const other = coreOver(stores)
  const topic = await createTopic(other, { name: 'orders' })
  let meanwhile = async () => {}
  const { items } = overBadNetwork(stores.items, (_, count) => (count === 0 ? 'answer lost' : 'goes well'))
  const core = coreOver({ ...stores, items })
  const slow = { ...core, clock: { ...core.clock, sleep: async () => meanwhile() } }
  meanwhile = async () => {
    meanwhile = async () => {}
    for (let count = 0; count < 100; count++) await send(other, topic, 0, [`other ${count}`])
  }
  const brought = range(3).map(
    (producer): Brought => ({ topic, sent: { producer, sequence: 0, values: [`${producer}`] } }),
  )
  expect(await together(slow, brought)).toEqual([0, 1, 2])
  expect((await readAll(other, topic, 0)).length).toBe(103)
})

test('a refusal is no promise while an update that brings all may still come: nothing is called failed', async () => {
  const stores = memoryStores()
  const plain = coreOver(stores)
  const topic = await createTopic(plain, { name: 'orders' })
  // The update of both is lost; sent again it is refused, for the first leaves a gap; then the store throttles.
  const fates: Fate[] = ['request lost', 'goes well', 'goes well']
  const { items, late } = overBadNetwork(stores.items, (_, count) => fates[count] ?? 'throttled')
  const core = hurried(coreOver({ ...stores, items }, { appendTimeoutMs: 30 }))
  const brought: Brought[] = [
    { topic, sent: { producer: 7, sequence: 1, values: ['7:1'] } },
    { topic, sent: { producer: 8, sequence: 0, values: ['8:0'] } },
  ]
  expect(await together(core, brought)).toEqual(['REQUEST_TIMED_OUT', 'REQUEST_TIMED_OUT'])
  expect(await sendAs(plain, topic, { producer: 7, sequence: 0, values: ['7:0'] })).toBe(0)
  for (const copy of late) await copy()
  expect((await readAll(plain, topic, 0)).map(text)).toEqual(['7:0', '7:1', '8:0'])
})

test('a late copy of an update of which one ref is in the log by now brings none of them, however late', async () => {
  const stores = memoryStores()
  const plain = coreOver(stores)
  const topic = await createTopic(plain, { name: 'orders' })
  const { items, late } = overBadNetwork(stores.items, (_, count) => (count === 0 ? 'request lost' : 'goes well'))
  const core = hurried(coreOver({ ...stores, items }))
  const brought: Brought[] = [
    { topic, sent: { producer: 7, sequence: 1, values: ['7:1'] } },
    { topic, values: ['once'] },
  ]
  expect(await together(core, brought)).toEqual(['REQUEST_TIMED_OUT', 0])
  expect(await sendAs(plain, topic, { producer: 7, sequence: 0, values: ['7:0'] })).toBe(1)
  // In the tail, among the marks, below the horizon.
  for (let count = 0; count < 40; count++) {
    for (const copy of late) await copy()
    expect(await send(plain, topic, 0, [`other ${count}`])).toBe(count + 2)
  }
})

test('records that are all alike are told apart, also when the answer is lost', async () => {
  const stores = memoryStores()
  const plain = coreOver(stores)
  const topic = await createTopic(plain, { name: 'orders' })
  const { items } = overBadNetwork(stores.items, (_, count) => (count === 0 ? 'answer lost' : 'goes well'))
  const core = hurried(coreOver({ ...stores, items }))
  const records = batchOf(['alike'])
  // Two callers that have seen different versions of the topic share no ref.
  const asked = [topic, { ...topic, configVersion: topic.configVersion + 1 }].map((seen) => ({
    topic: seen,
    batches: { partition: 0, records },
    sameTopicOnly: false,
  }))
  expect(await outcomesOf(appendTogether(core, asked))).toMatchObject([{ baseOffset: 0 }, { baseOffset: 1 }])
  expect((await readAll(plain, topic, 0)).map(text)).toEqual(['alike', 'alike'])
})

test('a store that throttles: nothing of it is appended, and each is told so', async () => {
  const stores = memoryStores()
  const topic = await createTopic(coreOver(stores), { name: 'orders' })
  const { items } = overBadNetwork(stores.items, () => 'throttled')
  const core = coreOver({ ...stores, items }, { appendTimeoutMs: 30 })
  const brought = range(3).map((producer): Brought => ({ topic, sent: { producer, sequence: 0, values: ['a'] } }))
  expect(await together(core, brought)).toEqual(range(3).map(() => 'THROTTLING_QUOTA_EXCEEDED'))
  expect(await readAll(coreOver(stores), topic, 0)).toEqual([])
})

type Step = {
  readonly server: number
  readonly plain: number
  readonly producers: readonly number[]
  readonly gap: boolean
}
const steps = fc.record({
  server: fc.integer({ min: 0, max: 2 }),
  plain: fc.integer({ min: 0, max: 2 }),
  producers: fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { maxLength: 5 }),
  gap: fc.boolean(),
})
const fates: Fate[] = [
  'goes well',
  'goes well',
  'goes well',
  'request lost',
  'answer lost',
  'throttled',
  'answered twice',
]

/** What one server's clients know. */
type Known = {
  readonly acknowledged: Map<number, string>
  readonly failed: Set<string>
  readonly next: Map<number, number>
}

function bring(topic: Brought['topic'], at: number, { server, plain, producers, gap }: Step, { next }: Known) {
  const values = range(plain).map((count) => `plain ${at}.${count}`)
  const sent = producers.map((one, place) => {
    const producer = 100 * server + one
    const sequence = (next.get(producer) ?? 0) + (gap && place === 0 ? 1_000 : 0)
    return { producer, sequence, values: [`${producer}:${sequence}`] }
  })
  return [...values.map((value) => ({ topic, values: [value] })), ...sent.map((one) => ({ topic, sent: one }))]
}

function learn(brought: readonly Brought[], answers: readonly (number | string)[], known: Known): void {
  for (const [at, one] of brought.entries()) {
    const answer = answers[at]
    const [value = ''] = 'sent' in one ? one.sent.values : one.values
    if (typeof answer === 'number') {
      known.acknowledged.set(answer, value)
      if ('sent' in one) known.next.set(one.sent.producer, one.sent.sequence + 1)
    } else if (answer !== 'REQUEST_TIMED_OUT') known.failed.add(value)
  }
}

test('whatever the network does, every acknowledged record is there once where it was acknowledged, and no failed one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 5, maxLength: 30 }),
      fc.array(fc.constantFrom(...fates), { minLength: 20, maxLength: 120 }),
      async (plan, weather) => {
        const stores = memoryStores()
        const plain = coreOver(stores)
        const topic = await createTopic(plain, { name: 'orders' })
        const { items, late } = overBadNetwork(stores.items, (_, count) => weather[count] ?? 'goes well')
        const servers = range(3).map(() => hurried(coreOver({ ...stores, items })))
        const known: Known = { acknowledged: new Map(), failed: new Set(), next: new Map() }
        await Promise.all(
          servers.map(async (core, server) => {
            for (const [at, step] of plan.entries()) {
              if (step.server !== server) continue
              const brought = bring(topic, at, step, known)
              learn(brought, await together(core, brought), known)
              await late[at]?.()
            }
          }),
        )
        for (const copy of late) await copy()
        const values = (await readAll(plain, topic, 0)).map(text)
        expect(new Set(values).size).toBe(values.length)
        for (const [offset, value] of known.acknowledged) expect(values[offset]).toBe(value)
        expect(values.filter((value) => known.failed.has(value))).toEqual([])
      },
    ),
    { numRuns: 150 },
  )
})
