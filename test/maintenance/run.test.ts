import { expect, it } from 'vitest'
import { describeGroup } from '../../src/groups/describe.ts'
import { leasesPk } from '../../src/log/keys.ts'
import { createTopic, deleteTopic } from '../../src/log/topics.ts'
import { maintenanceHandler } from '../../src/maintenance/lambda.ts'
import { maintain } from '../../src/maintenance/maintain.ts'
import { runMaintenance } from '../../src/maintenance/run.ts'
import { startTimer } from '../../src/maintenance/timer.ts'
import { logTo } from '../../src/observability/output.ts'
import type { Core } from '../../src/runtime/core.ts'
import { group, newConsumer, newsTopic, sessionMs, settleAll } from '../groups/kit.ts'
import { text } from '../log/core.ts'
import { minuteMs, newMaintainedWorld } from './kit.ts'
import { hourMs, mixedValues, newLogWorld } from './log-kit.ts'

const startsNothing = () => Promise.reject(new Error('nothing is left to be done'))
const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => minuteMs }

/** The lines that are written while `work` is done. */
async function linesOf(work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const lines: string[] = []
  logTo({ write: (line) => lines.push(line), metricsOf: 'MillraceMaintain' })
  try {
    await work()
  } finally {
    logTo('off')
  }
  return lines.map((line) => JSON.parse(line))
}

async function deadGroup() {
  const world = newMaintainedWorld()
  await newsTopic(world.core)
  await world.during(settleAll([newConsumer(world.core), newConsumer(world.core)]))
  await world.pass(sessionMs + 1)
  return world
}

it('a run writes one line with what it did, which CloudWatch counts', async () => {
  const { core, during } = await deadGroup()
  const [line, ...others] = await linesOf(() => during(runMaintenance(core, { budgetMs: minuteMs }, 'r')))
  expect(others).toEqual([])
  expect(line).toMatchObject({
    level: 'INFO',
    job: 'maintain',
    requestId: 'r',
    outcome: 'ok',
    Function: 'MillraceMaintain',
    GroupsLooked: 1,
    RemovedMembers: 2,
    ExpiredOffsets: 0,
    RemovedInstances: 0,
    BacklogAge: expect.any(Number),
    runMs: expect.any(Number),
    storeCalls: expect.any(Number),
  })
  const metrics = JSON.stringify(line?._aws)
  for (const name of ['GroupsLooked', 'RemovedMembers', 'BacklogAge', 'RunTime']) expect(metrics).toContain(`"${name}"`)
  expect(metrics).not.toContain('ExpiredOffsets')
})

it('a run with nothing to look at gives CloudWatch nothing to charge for', async () => {
  const { core, run } = newMaintainedWorld()
  expect((await run()).groups.groupsLooked).toBe(0)
  const [line] = await linesOf(() => runMaintenance(core, { budgetMs: minuteMs }))
  expect(line).toMatchObject({ outcome: 'ok', GroupsLooked: 0 })
  expect(line).not.toHaveProperty('_aws')
})

it('a backlog of hours is told also by a run that can do nothing about it', async () => {
  const { core, during, pass } = await deadGroup()
  await during(runMaintenance(core, { budgetMs: minuteMs }))
  await pass(2 * hourMs)
  const [line] = await linesOf(() => during(runMaintenance(core, { budgetMs: 0 })))
  expect(line).toMatchObject({ outcome: 'ok', GroupsLooked: 0 })
  expect(Number(line?.BacklogAge)).toBeGreaterThanOrEqual(2 * hourMs)
  expect(JSON.stringify(line?._aws)).toContain('"BacklogAge"')
})

it('a run that fails says so, and rejects, so that the alarm is raised', async () => {
  const { core } = await deadGroup()
  const items: Core['items'] = { ...core.items, query: () => Promise.reject(new TypeError('a mistake of ours')) }
  const broken = { ...core, items: { ...items, metered: () => items } }
  const lines = await linesOf(() => expect(runMaintenance(broken, { budgetMs: minuteMs })).rejects.toThrow('a mistake'))
  expect(lines).toMatchObject([{ level: 'ERROR', outcome: 'failed', error: { name: 'TypeError' } }])
})

it('the function opens its stores once, and again where that failed', async () => {
  const { core, during } = await deadGroup()
  let opened = 0
  const handler = maintenanceHandler(async () => {
    opened++
    if (opened === 1) throw new Error('no stores yet')
    return core
  }, startsNothing)
  await expect(handler({}, context)).rejects.toThrow('no stores yet')
  for (const _ of [1, 2]) await during(handler({}, context))
  expect(opened).toBe(2)
  expect(await describeGroup(core, group)).toMatchObject({ state: 'Empty' })
})

it('the timer runs it again and again, survives a failure, and stops', async () => {
  const { core, pass } = await deadGroup()
  const failures: unknown[] = []
  let broken = true
  const items: Core['items'] = {
    ...core.items,
    get: (key) => (broken ? Promise.reject(new Error('not now')) : core.items.get(key)),
    metered: () => items,
  }
  const timer = startTimer({ ...core, items }, minuteMs, (error) => failures.push(error))
  await pass(minuteMs * 1.5)
  expect(failures.map(String)).toEqual(['Error: not now'])
  expect(await describeGroup(core, group)).toMatchObject({ state: 'Stable' })
  broken = false
  await pass(minuteMs)
  expect(await describeGroup(core, group)).toMatchObject({ state: 'Empty' })
  await timer.stop()
  broken = true
  await pass(minuteMs * 5)
  expect(failures).toHaveLength(1)
})

/** The function and the rounds that it has started, the first one by the schedule; each has so much time. */
async function rounds(core: Core, remainingMs: (round: number) => number): Promise<number> {
  const events: unknown[] = [{ source: 'aws.events' }]
  const handler = maintenanceHandler(
    async () => core,
    async (round) => void events.push(round),
  )
  for (const [at, event] of events.entries()) {
    await handler(event, { awsRequestId: `r${at}`, getRemainingTimeInMillis: () => remainingMs(at) })
  }
  return events.length
}

it('the function goes on by itself while there is more to do, and no longer', async () => {
  const { core, during } = await deadGroup()
  expect(await during(rounds(core, (round) => (round < 3 ? 0 : minuteMs)))).toBe(4)
  expect(await describeGroup(core, group)).toMatchObject({ state: 'Empty' })
  expect(await during(rounds(core, () => minuteMs))).toBe(1)
})

it('twenty rounds are the most that one tick of the schedule brings', async () => {
  const { core, during } = await deadGroup()
  expect(await during(rounds(core, () => 0))).toBe(20)
})

it('where it cannot be started again the run has failed, and the next tick goes on', async () => {
  const { core, during } = await deadGroup()
  const handler = maintenanceHandler(
    async () => core,
    () => Promise.reject(new Error('throttled')),
  )
  await expect(during(handler({}, { ...context, getRemainingTimeInMillis: () => 0 }))).rejects.toThrow('throttled')
  expect(await during(rounds(core, () => minuteMs))).toBe(1)
  expect(await describeGroup(core, group)).toMatchObject({ state: 'Empty' })
})

it('a part that fails keeps neither the others nor the next round waiting', async () => {
  const { core, during } = await deadGroup()
  const items: Core['items'] = {
    ...core.items,
    query: (query) =>
      query.pk === 'topics' ? Promise.reject(new TypeError('a mistake of ours')) : core.items.query(query),
    metered: () => items,
  }
  await createTopic(core, { name: 'orders' })
  await expect(during(rounds({ ...core, items }, () => minuteMs))).rejects.toThrow('a mistake')
  expect(await describeGroup(core, group)).toMatchObject({ state: 'Empty' })
})

/** One for which so much time passes with every look at the clock. */
function slow(core: Core, ms: number): Core {
  let sinceMs = 0
  const uptime = () => {
    sinceMs += ms
    return core.clock.uptime() + sinceMs
  }
  return { ...core, clock: { ...core.clock, uptime } }
}

it('a run that ends in the middle leaves its leases to whoever comes next', async () => {
  const world = await newLogWorld({ 'segment.ms': '60000' }, 3)
  for (const partition of [0, 1, 2]) await world.fill(mixedValues(60), partition)
  await world.pass(hourMs)
  const cut = await world.during(maintain(slow(world.server(), 2_000), { budgetMs: minuteMs }))
  expect(cut.more).toBe(true)
  expect(cut.partitions.backlogBytes).toBeGreaterThan(0)
  const leases = await world.core.items.query({ pk: leasesPk, limit: 10 })
  expect(leases.length).toBeGreaterThan(0)
  expect(leases.filter(({ item }) => item.holder !== undefined)).toEqual([])
  const rest = await world.run(world.server())
  expect(rest).toMatchObject({ more: false, partitions: { failedPartitions: 0 } })
  expect(cut.partitions.segments + rest.partitions.segments).toBe(3)
})

it('two functions at once do the work once', async () => {
  const world = await newLogWorld({ 'segment.ms': '60000' }, 3)
  for (const partition of [0, 1, 2]) await world.fill(mixedValues(60), partition)
  await world.pass(hourMs)
  const both = [world.server(), world.server()].map((core) => maintain(core, { budgetMs: minuteMs }))
  const [one, other] = await world.during(Promise.all(both))
  expect((one?.partitions.segments ?? 0) + (other?.partitions.segments ?? 0)).toBe(3)
  for (const partition of [0, 1, 2]) {
    expect((await world.entries(partition)).segments).toHaveLength(1)
    expect((await world.readAnew(1_000_000, 0, partition)).map(text)).toEqual(mixedValues(60))
  }
})

it('a deletion that takes longer than a run keeps no log waiting', async () => {
  const world = await newLogWorld({ 'segment.ms': '60000' })
  const doomed = await world.during(createTopic(world.core, { name: 'doomed', partitions: 100 }))
  await world.during(deleteTopic(world.core, doomed.name))
  await world.fill(mixedValues(60))
  await world.pass(hourMs)
  const report = await world.during(maintain(slow(world.server(), 500), { budgetMs: minuteMs }))
  expect(report.jobs.backlogMs).toBeGreaterThan(0)
  expect(report.partitions.segments).toBe(1)
})

it('the timer goes on at once while there is more to do', async () => {
  const world = await newLogWorld({ 'segment.ms': '60000' }, 3)
  for (const partition of [0, 1, 2]) await world.fill(mixedValues(60), partition)
  await world.pass(hourMs)
  const timer = startTimer(slow(world.server(), 2_000), minuteMs, (error) => expect(error).toBeUndefined())
  await world.pass(minuteMs * 1.5)
  for (const partition of [0, 1, 2]) expect((await world.entries(partition)).segments).toHaveLength(1)
  await world.during(timer.stop())
})
