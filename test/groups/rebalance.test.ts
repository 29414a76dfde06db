import { expect, test } from 'vitest'
import { allAssigned, errorOf, newConsumer, newsTopic, newWorld, settleAll } from './kit.ts'

const everything = ['news/0', 'news/1', 'news/2', 'news/3']

test('two members split the partitions of a topic', async () => {
  const { server, during } = newWorld()
  const core = server()
  await newsTopic(core)
  const [one, two] = [newConsumer(core), newConsumer(core)]
  await during(settleAll([one, two]))
  expect([one.generation, two.generation]).toEqual([1, 1])
  expect(allAssigned([one, two])).toEqual(everything)
  expect([one, two].map(({ owned }) => owned.length)).toEqual([2, 2])
  expect([one, two].filter(({ reply }) => reply.leader === reply.memberId)).toHaveLength(1)
})

test('a third that joins makes a new generation, and everybody gets a new share', async () => {
  const { server, during } = newWorld()
  const core = server()
  await newsTopic(core)
  const [one, two, three] = [newConsumer(core), newConsumer(core), newConsumer(core)]
  await during(settleAll([one, two]))
  const joining = three.settle()
  await during(until(async () => (await errorOf(one.heartbeat())) === 'REBALANCE_IN_PROGRESS', core))
  expect(await errorOf(two.heartbeat())).toBe('REBALANCE_IN_PROGRESS')
  await during(Promise.all([joining, one.settle(), two.settle()]))
  expect([one, two, three].map(({ generation }) => generation)).toEqual([2, 2, 2])
  expect(allAssigned([one, two, three])).toEqual(everything)
  expect(await errorOf(during(one.heartbeat()))).toBe('none')
})

async function until(isSo: () => Promise<boolean>, core: ReturnType<ReturnType<typeof newWorld>['server']>) {
  while (!(await isSo())) await core.clock.sleep(100)
}
