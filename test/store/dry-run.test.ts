import { expect, test } from 'vitest'
import { systemClock } from '../../src/runtime/system.ts'
import { dryRunStores } from '../../src/store/embedded/dry-run.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { set } from '../../src/store/items.ts'
import { describeStores } from './contract.ts'

const dry = () => dryRunStores(memoryStores(systemClock.now), systemClock.now)

describeStores('stores that are only read, over stores in memory', async () => ({ stores: dry() }))

const abc = ['a', 'b', 'c', 'd', 'e']

test('what is stored shows through where nothing was written over it, in order and to the limit', async () => {
  const under = memoryStores(systemClock.now)
  for (const sk of ['a', 'c', 'e']) await under.items.update({ pk: 'p', sk }, { patches: [set('from', 'below')] })
  for (const name of ['a', 'c', 'e']) await under.objects.put(`o/${name}`, [Buffer.from('below')])
  const { items, objects } = dryRunStores(under, systemClock.now)
  for (const sk of ['b', 'd', 'e']) await items.update({ pk: 'p', sk }, { patches: [set('from', 'above')] })
  await items.delete({ pk: 'p', sk: 'a' })
  for (const name of ['b', 'd']) expect(await objects.put(`o/${name}`, [Buffer.from('above')])).toBe('created')
  expect(await objects.put('o/c', [Buffer.from('above')])).toBe('exists')
  await objects.delete(['o/a'])

  const rows = await items.query({ pk: 'p', limit: 10 })
  expect(rows.map(({ sk, item }) => `${sk} ${item.from}`)).toEqual(['b above', 'c below', 'd above', 'e above'])
  expect((await items.query({ pk: 'p', from: 'b', to: 'd', reverse: true, limit: 2 })).map(({ sk }) => sk)).toEqual([
    'd',
    'c',
  ])
  const found = await items.batchGet(abc.map((sk) => ({ pk: 'p', sk })))
  expect(found.map((item) => item?.from)).toEqual([undefined, 'above', 'below', 'above', 'above'])
  const listed = await objects.list('o/', { after: 'o/b', limit: 2 })
  expect(listed.map(({ key }) => key)).toEqual(['o/c', 'o/d'])
  const read = await Promise.all(abc.map(async (name) => (await objects.get(`o/${name}`))?.toString()))
  expect(read.map((bytes) => bytes !== undefined)).toEqual([false, true, true, true, true])

  expect((await under.items.query({ pk: 'p', limit: 10 })).map(({ sk, item }) => sk + item.from)).toEqual([
    'abelow',
    'cbelow',
    'ebelow',
  ])
  expect((await under.objects.list('o/', { limit: 10 })).map(({ key }) => key)).toEqual(['o/a', 'o/c', 'o/e'])
})
