import { expect, it } from 'vitest'
import { describeGroup } from '../../src/groups/describe.ts'
import { maintenanceHandler } from '../../src/maintenance/lambda.ts'
import { runMaintenance } from '../../src/maintenance/run.ts'
import { startTimer } from '../../src/maintenance/timer.ts'
import { logTo } from '../../src/observability/output.ts'
import type { Core } from '../../src/runtime/core.ts'
import { group, newConsumer, newsTopic, sessionMs, settleAll } from '../groups/kit.ts'
import { minuteMs, newMaintainedWorld } from './kit.ts'

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
  for (const name of ['GroupsLooked', 'RemovedMembers', 'BacklogAge']) expect(metrics).toContain(`"${name}"`)
  expect(metrics).not.toContain('ExpiredOffsets')
})

it('a run with nothing to look at gives CloudWatch nothing to charge for', async () => {
  const { core, run } = newMaintainedWorld()
  expect((await run()).groups.groupsLooked).toBe(0)
  const [line] = await linesOf(() => runMaintenance(core, { budgetMs: minuteMs }))
  expect(line).toMatchObject({ outcome: 'ok', GroupsLooked: 0 })
  expect(line).not.toHaveProperty('_aws')
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
  })
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
