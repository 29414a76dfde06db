/** What a poll asks of the stores where there is nothing to do. */
import { expect, test } from 'vitest'
import type { StoreUse } from '../../src/store/meter.ts'
import { pollAs, servers, settle, subscribed, valuesAs } from './group-kit.ts'
import { type Server, serverOver } from './kit.ts'

function metered({ core }: Server) {
  const uses: StoreUse[] = []
  return { server: serverOver({ ...core, items: core.items.metered((use) => uses.push(use)) }), uses }
}

test('a member’s poll reads its instance and its group side by side, then the heads, and writes nothing', async () => {
  const { a, b } = await servers(4)
  await subscribed(a, 'i')
  await subscribed(b, 'j')
  await settle(
    [
      [a, 'i'],
      [b, 'j'],
    ],
    4,
  )
  await pollAs(a, 'i', 0)
  const { server, uses } = metered(a)
  await pollAs(server, 'i', 0)
  const calls = uses.map(({ call }) => call)
  expect(calls.toSorted()).toEqual(['batchGet', 'batchGet', 'get'])
  expect(calls.at(-1)).toBe('batchGet')
})

test('a member’s poll costs the same in a group of 2 and of 12', async () => {
  const readUnits = async (members: number) => {
    const { a } = await servers(members)
    const names = Array.from({ length: members }, (_, n) => `m${n}`)
    for (const name of names) await subscribed(a, name)
    await settle(
      names.map((name) => [a, name] as const),
      members,
    )
    await valuesAs(a, 'm0', 0)
    const { server, uses } = metered(a)
    await valuesAs(server, 'm0', 0)
    return uses.reduce((sum, use) => sum + use.readUnits, 0)
  }
  expect(await readUnits(12)).toBe(await readUnits(2))
})
