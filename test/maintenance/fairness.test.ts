import { expect, it } from 'vitest'
import { createTopic } from '../../src/log/topics.ts'
import { maintainPartitions } from '../../src/maintenance/partitions-task.ts'
import type { Core } from '../../src/runtime/core.ts'
import { send } from '../log/core.ts'
import { newMaintainedWorld } from './kit.ts'
import { hourMs } from './log-kit.ts'

const segmentBytes = 1024 * 1024

/** Topics whose partitions have so many segments to be made each, which take six seconds each. */
async function backlog(topics: Readonly<Record<string, number>>, segments: number) {
  const world = newMaintainedWorld()
  const nameOf = new Map<string, string>()
  for (const [name, partitions] of Object.entries(topics)) {
    const configs = { 'segment.bytes': String(segmentBytes), 'segment.ms': String(hourMs) }
    const topic = await world.during(createTopic(world.core, { name, partitions, configs }))
    nameOf.set(topic.id, name)
    for (let partition = 0; partition < partitions; partition++) {
      const values = Array.from({ length: 40 * segments }, () => 'x'.repeat(segmentBytes / 40))
      for (const value of values)
        await world.during(send(world.core, topic, partition, [value], world.core.clock.now()))
    }
  }
  await world.pass(2 * hourMs)
  const made: string[] = []
  const { core } = world
  const slow: Core = {
    ...core,
    clock: { ...core.clock, uptime: () => core.clock.uptime() + made.length * 6_000 },
    objects: {
      ...core.objects,
      put(key, pieces) {
        const [kind, , topicId = '', partition = ''] = key.split('/')
        if (kind === 'segments') made.push(`${nameOf.get(topicId)}/${partition}`)
        return core.objects.put(key, pieces)
      },
    },
  }
  return {
    /** A run whose time is up when so many segments are made; of which partitions. */
    async run(most: number): Promise<readonly string[]> {
      const before = made.length
      const report = await world.during(maintainPartitions(slow, () => made.length >= before + most))
      expect(report).toMatchObject({ failedPartitions: 0, busyPartitions: 0 })
      return made.slice(before)
    },
  }
}

it('a topic with a long backlog has its turn of ten seconds, and so have the others, until nothing is left', async () => {
  const { run } = await backlog({ a: 1, b: 1, c: 1 }, 5)
  const round = ['a/0', 'a/0', 'b/0', 'b/0', 'c/0', 'c/0']
  expect(await run(100)).toEqual([...round, ...round, ...round])
  expect(await run(100)).toEqual([])
})

it('where a run ends in a turn the next one begins with who waits longest', async () => {
  const { run } = await backlog({ a: 1, b: 1, c: 1 }, 2)
  for (const topic of ['a/0', 'b/0', 'c/0', 'a/0', 'b/0', 'c/0']) expect(await run(1)).toEqual([topic])
})

it('of the partitions of a topic, too, none waits while another has its second turn', async () => {
  const { run } = await backlog({ a: 4 }, 2)
  const turns: string[] = []
  while (turns.length < 8) turns.push(...(await run(3)))
  for (const round of [turns.slice(0, 4), turns.slice(4, 8)]) {
    expect(round.toSorted()).toEqual(['a/0', 'a/1', 'a/2', 'a/3'])
  }
})
