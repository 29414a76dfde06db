import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createTopic } from '../../src/log/topics.ts'
import { type ByHand, type Done, maintainByHand } from '../../src/maintenance/by-hand.ts'
import type { Core } from '../../src/runtime/core.ts'
import { openDisk } from '../../src/store/embedded/disk.ts'
import { dryRunStores } from '../../src/store/embedded/dry-run.ts'
import { coreOver, send } from '../log/core.ts'
import { runMillrace } from '../server/millrace-process.ts'
import { dayMs } from './kit.ts'
import { entriesOf, hourMs, type LogWorld, mixedValues, newLogWorld } from './log-kit.ts'

const folder = await mkdtemp(join(tmpdir(), 'millrace-maintain-'))
afterAll(() => rm(folder, { recursive: true }))

/** What it says that it did, by topic or task. */
async function maintained(world: LogWorld, core: Core, options: Partial<ByHand> = {}) {
  const done: Done[] = []
  const byHand = { topics: [], done: (one: Done) => void done.push(one), progress: () => {}, ...options }
  await world.during(maintainByHand(core, byHand))
  for (const { error } of done) if (error) throw error
  return Object.fromEntries(done.map(({ what, figures }) => [what, figures]))
}

/** Two logs with something to roll, and something that is over. */
async function twoLogs() {
  const world = await newLogWorld({ 'segment.ms': String(hourMs), 'retention.ms': String(dayMs) })
  const clicks = await world.during(createTopic(world.core, { name: 'clicks', configs: { 'segment.ms': '3600000' } }))
  await world.fill(mixedValues(100))
  await world.pass(dayMs)
  await world.fill(mixedValues(100))
  for (const value of mixedValues(100)) await world.during(send(world.core, clicks, 0, [value], world.core.clock.now()))
  await world.pass(2 * hourMs)
  return { ...world, clicks }
}

test('by hand everything that is due is done at once, and told topic by topic', async () => {
  const world = await twoLogs()
  const done = await maintained(world, world.server())
  expect(Object.keys(done)).toEqual(['clicks', 'orders', 'deleted topics', 'groups', 'orphaned blobs'])
  expect(done.clicks).toMatchObject({ segments: 1, rolledBytes: expect.any(Number) })
  expect(done.orders).toMatchObject({ segments: 1, retiredBytes: expect.any(Number) })
  expect(await maintained(world, world.server())).toMatchObject({ clicks: {}, orders: {}, 'deleted topics': {} })
})

test('one topic alone is looked after where it is named', async () => {
  const world = await twoLogs()
  expect(Object.keys(await maintained(world, world.server(), { topics: ['orders'] }))).toEqual(['orders'])
  expect((await entriesOf(world.core, { topicId: world.clicks.id, partition: 0 })).segments).toEqual([])
  await expect(maintained(world, world.server(), { topics: ['nothing'] })).rejects.toThrow('no topic nothing')
})

test('a dry run tells what a run then does, and changes nothing', async () => {
  const world = await twoLogs()
  const topicIds = [world.topic.id, world.clicks.id]
  const pks = topicIds.flatMap((id) => [`h/${id}/0`, `i/${id}/0`, `upkeep/${id}`])
  const everything = async () => ({
    items: await Promise.all(
      [...pks, 'topics', 'jobs', 'leases', 'maintenance'].map((pk) => world.core.items.query({ pk, limit: 10_000 })),
    ),
    objects: await world.stores.objects.list('', { limit: 10_000 }),
  })
  const before = await everything()
  expect(before.items.flat().length).toBeGreaterThan(10)
  const dry = dryRunStores(world.stores, world.core.clock.now)
  const told = await maintained(world, { ...world.server(), items: dry.items, objects: dry.objects })
  expect(told.clicks).toMatchObject({ segments: 1 })
  expect(await everything()).toEqual(before)
  expect(await maintained(world, world.server())).toEqual(told)
  expect(await everything()).not.toEqual(before)
})

test('a signal ends it between two steps, and tells how far it came', async () => {
  const world = await twoLogs()
  const stopping = new AbortController()
  const progress = () => stopping.abort()
  const done = await maintained(world, world.server(), { progress, signal: stopping.signal })
  expect(Object.keys(done)).toEqual(['clicks'])
  expect(await maintained(world, world.server())).toMatchObject({ clicks: { segments: 1 }, orders: { segments: 1 } })
})

test('the command prints what it did, changes nothing in a dry run, and knows its topics', async () => {
  const data = join(folder, 'data')
  const stores = await openDisk(data)
  const topic = await createTopic(coreOver(stores), { name: 'old', configs: { 'retention.ms': '1000' } })
  await send(coreOver(stores), topic, 0, ['over'], Date.now() - dayMs)
  await stores.close()
  const dry = await runMillrace(['maintain', '--data', data, '--dry-run'])
  expect(dry).toMatchObject({ code: 0, err: '' })
  expect(dry.out).toMatch(/^old, if it were done: retired bytes \d+\ndeleted topics: nothing to do\n/)
  const done = await runMillrace(['maintain', '--data', data, '--topic', 'old'])
  expect(done).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^old: retired bytes \d+\n$/) })
  const unknown = await runMillrace(['maintain', '--data', data, '--topic', 'new'])
  expect(unknown).toMatchObject({ code: 1, err: 'millrace: there is no topic new\n' })
})
