import { expect, it, test } from 'vitest'
import { append } from '../../src/log/append.ts'
import { headKey, indexPk, jobKey, jobsPk, leasesPk, spilledProducersPk } from '../../src/log/keys.ts'
import { createTopic, deleteTopic, findTopic, type Topic } from '../../src/log/topics.ts'
import { workOffJobs } from '../../src/maintenance/jobs-task.ts'
import { maintain } from '../../src/maintenance/maintain.ts'
import type { Core } from '../../src/runtime/core.ts'
import { StoreError } from '../../src/store/errors.ts'
import { type ItemStore, set } from '../../src/store/items.ts'
import type { ObjectStore } from '../../src/store/objects.ts'
import { batchOf, only, readAll, send, text } from '../log/core.ts'
import { minuteMs, newMaintainedWorld, rowsOf } from './kit.ts'

const hourMs = 60 * minuteMs
const never = () => false
const tiny = 'x'
const small = 'x'.repeat(1_000)
const large = 'x'.repeat(20_000)
const appends = 40

const idsOf = ({ id, partitions }: Topic) =>
  Array.from({ length: partitions }, (_, partition) => ({ topicId: id, partition }))

/** A topic whose index names blobs of every kind, some shared by its partitions; at the end of each log lie tiny records. */
async function filled(core: Core, name: string): Promise<Topic> {
  const topic = await createTopic(core, { name, partitions: 2 })
  for (let n = 0; n < appends; n++) {
    await append(
      core,
      topic,
      [0, 1].map((partition) => ({ partition, records: batchOf([large], core.clock.now()) })),
    )
    for (const value of [small, large]) await send(core, topic, n % 2, [value], core.clock.now())
  }
  for (let n = 0; n < appends; n++)
    for (const partition of [0, 1]) await send(core, topic, partition, [tiny], core.clock.now())
  return topic
}

async function leftOf(core: Core, topic: Topic): Promise<string[]> {
  const ids = idsOf(topic)
  const rows = await rowsOf(
    core,
    leasesPk,
    ...ids.flatMap((id) => [headKey(id).pk, indexPk(id), spilledProducersPk(id)]),
  )
  const objects = await core.objects.list('', { limit: 1_000 })
  return [...rows, ...objects.map(({ key }) => key)]
}

test('of a deleted topic nothing is left but its job, and an hour later not even that', async () => {
  const { core, run, pass } = newMaintainedWorld()
  const topic = await filled(core, 'orders')
  await pass(hourMs)
  await run()
  expect((await leftOf(core, topic)).length).toBeGreaterThan(10)
  await deleteTopic(core, 'orders')
  const { jobs } = await run()
  expect(jobs).toMatchObject({ finished: 0, failed: 0, backlogMs: 0 })
  expect(jobs.bytes).toBeGreaterThan(appends * 3 * large.length)
  expect(await leftOf(core, topic)).toEqual([])
  expect(await rowsOf(core, jobsPk)).toEqual([`jobs ${topic.id}`])
  await pass(hourMs)
  expect((await run()).jobs).toMatchObject({ finished: 1, entries: 0 })
  expect(await rowsOf(core, jobsPk)).toEqual([])
})

test('a topic that was created anew under the name keeps all of its own', async () => {
  const { core, run, server } = newMaintainedWorld()
  await filled(core, 'orders')
  await deleteTopic(core, 'orders')
  const anew = await filled(core, 'orders')
  const before = (await readAll(core, anew, 1)).map(text)
  await run()
  expect((await readAll(server(), anew, 1)).map(text)).toEqual(before)
})

test('a run that has no time goes on where the last one stopped', async () => {
  const { core, during } = newMaintainedWorld()
  const topic = await filled(core, 'orders')
  await deleteTopic(core, 'orders')
  let runs = 0
  for (; (await leftOf(core, topic)).length > 0; runs++) {
    let looks = 0
    const report = await during(workOffJobs(core, () => looks++ > 2))
    expect(report.failed).toBe(0)
  }
  expect(runs).toBeGreaterThan(1)
})

/** The stores, whose `n`th call fails with everything after it: the process dies there. */
function dyingAt(core: Core, n: number): { readonly core: Core; readonly died: () => boolean } {
  let calls = 0
  const dies = () => {
    if (calls++ >= n) throw new StoreError('unavailable', 'this process is dead')
  }
  const dying = <T extends object>(store: T): T =>
    new Proxy(store, {
      get: (target, name) => {
        const value = Reflect.get(target, name)
        if (typeof value !== 'function' || name === 'metered') return value
        return async (...args: unknown[]) => {
          dies()
          return value.apply(target, args)
        }
      },
    })
  const items: ItemStore = dying(core.items)
  const objects: ObjectStore = dying(core.objects)
  return { core: { ...core, items, objects }, died: () => calls > n }
}

test('wherever a run dies, the next one finishes', async () => {
  for (let n = 0; ; n += 7) {
    const { core, during, run } = newMaintainedWorld()
    const topic = await filled(core, 'orders')
    await deleteTopic(core, 'orders')
    const dying = dyingAt(core, n)
    await during(workOffJobs(dying.core, never).catch(() => undefined))
    expect((await run()).jobs.failed).toBe(0)
    expect(await leftOf(core, topic), `died at call ${n}`).toEqual([])
    if (!dying.died()) break
  }
}, 120_000)

test('a deletion whose process died before the heads went is brought to its end', async () => {
  const { core, run } = newMaintainedWorld()
  const topic = await filled(core, 'orders')
  const dead = { ...core.items, delete: () => Promise.reject(new StoreError('misconfigured', 'dead')) }
  await expect(deleteTopic({ ...core, items: dead }, 'orders')).rejects.toThrow('dead')
  await run()
  expect(await leftOf(core, topic)).toEqual([])
})

test('a creation that slept for an hour is undone, and does not come true when it wakes', async () => {
  const { core, run, pass, during } = newMaintainedWorld()
  let wake = () => {}
  const asleep = new Promise<void>((resolve) => {
    wake = resolve
  })
  const sleeping = {
    ...core.items,
    async transact(actions: Parameters<ItemStore['transact']>[0]) {
      await asleep
      return core.items.transact(actions)
    },
  }
  const created = createTopic({ ...core, items: sleeping }, { name: 'orders', partitions: 3 })
  const outcome = created.then(
    () => 'created',
    (error) => error.error,
  )
  await pass(hourMs / 2)
  await run()
  const job = only(await core.items.query({ pk: jobsPk, limit: 10 }))
  const heads = () => rowsOf(core, ...[0, 1, 2].map((partition) => headKey({ topicId: job.sk, partition }).pk))
  expect((await heads()).length).toBe(3)
  await pass(hourMs / 2)
  await run()
  expect(await heads()).toEqual([])
  wake()
  expect(await during(outcome)).toBe('REQUEST_TIMED_OUT')
  expect(await findTopic(core, 'orders')).toBeUndefined()
})

it('removes the heads of partitions that were to be added to a topic that is gone, and leaves those of one that lives', async () => {
  const { core, run, pass } = newMaintainedWorld()
  const topic = await createTopic(core, { name: 'orders', partitions: 1 })
  const job = jobKey(`${topic.id}+3`)
  const added = { topicId: topic.id, partition: 2 }
  await core.items.update(job, {
    patches: Object.entries({ v: 1, kind: 'add-partitions', id: topic.id, n: 3, at: core.clock.now() }).map(
      ([name, to]) => ({ set: name, to }),
    ),
  })
  await core.items.update(headKey(added), { patches: [{ set: 'v', to: 1 }] })
  await pass(hourMs)
  await run()
  expect(await core.items.get(headKey(added))).toBeDefined()
  await deleteTopic(core, 'orders')
  await run()
  expect(await core.items.get(headKey(added))).toBeUndefined()
})

it('tells of a job that it does not understand, and works off the others', async () => {
  const { core, during } = newMaintainedWorld()
  const topic = await filled(core, 'orders')
  await deleteTopic(core, 'orders')
  await core.items.update(jobKey('!'), { patches: [{ set: 'v', to: 2 }] })
  const { jobs } = await during(maintain(core, { budgetMs: minuteMs }))
  expect(jobs.failed).toBe(1)
  expect(String(jobs.error)).toContain('format 2')
  expect(await leftOf(core, topic)).toEqual([])
})

test('a late copy of the job of a topic that was created long ago does it no harm', async () => {
  const { core, run, pass } = newMaintainedWorld()
  let job: Parameters<ItemStore['update']> | undefined
  const items: ItemStore = {
    ...core.items,
    update(key, change) {
      if (key.pk === jobsPk) job ??= [key, change]
      return core.items.update(key, change)
    },
  }
  const topic = await createTopic({ ...core, items }, { name: 'orders' })
  await send(core, topic, 0, ['kept'], core.clock.now())
  await pass(2 * hourMs)
  if (job) await core.items.update(...job)
  expect((await run()).jobs).toMatchObject({ finished: 1, failed: 0 })
  expect((await readAll(core, topic, 0)).map(text)).toEqual(['kept'])
})

test('the end of a creation’s job, come late, does not end the deletion of the topic', async () => {
  const { core, run } = newMaintainedWorld()
  const topic = await filled(core, 'orders')
  const patches = Object.entries({ v: 1, kind: 'create-topic', id: topic.id, n: 2, at: core.clock.now() })
  await core.items.update(jobKey(topic.id), { patches: patches.map(([name, value]) => set(name, value)) })
  let comesLate: (() => Promise<unknown>) | undefined
  const items: ItemStore = {
    ...core.items,
    async delete(key, condition) {
      if (key.pk === jobsPk) comesLate = () => core.items.delete(key, condition)
      return core.items.delete(key, condition)
    },
  }
  expect(await workOffJobs({ ...core, items }, never)).toMatchObject({ finished: 1 })
  await deleteTopic(core, 'orders')
  await comesLate?.()
  expect((await run()).jobs.bytes).toBeGreaterThan(appends * large.length)
  expect(await leftOf(core, topic)).toEqual([])
})
