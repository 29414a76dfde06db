import { beforeAll, describe, expect, it } from 'vitest'
import { type ItemStore, type Key, set } from '../../src/store/items.ts'
import { freshKey, freshName, someBytes } from './fresh.ts'

const manyMs = 180_000

/** Stores items of `size` bytes, some at once, and returns their keys in order. */
async function fill(items: ItemStore, pk: string, count: number, size: number): Promise<Key[]> {
  const keys = Array.from({ length: count }, (_, i) => ({ pk, sk: `row-${String(i).padStart(5, '0')}` }))
  for (let i = 0; i < keys.length; i += 10) {
    const some = keys.slice(i, i + 10)
    await Promise.all(
      some.map((key, j) => items.update(key, { patches: [set('i', i + j), set('b', someBytes(size, i + j))] })),
    )
  }
  return keys
}

export function batchGetAndQueryContract(items: () => ItemStore): void {
  describe('a get', () => {
    it('of nothing is undefined', async () => {
      expect(await items().get(freshKey())).toBeUndefined()
    })
    it('tells keys apart by both parts, wherever the border lies', async () => {
      const pk = freshName()
      await items().update({ pk, sk: 'bc' }, { patches: [set('a', 1)] })
      expect(await items().get({ pk: `${pk}b`, sk: 'c' })).toBeUndefined()
      expect(await items().get({ pk, sk: 'b' })).toBeUndefined()
    })
    it('is refused with an empty or an over-long key', async () => {
      for (const key of [
        freshKey(''),
        freshKey('k'.repeat(1025)),
        { pk: '', sk: 'a' },
        { pk: 'k'.repeat(2049), sk: 'a' },
      ]) {
        await expect(items().get(key)).rejects.toThrow()
        await expect(items().update(key, { patches: [] })).rejects.toThrow()
      }
    })
    it('takes keys of full length, and of any characters', async () => {
      const pk = freshName()
      for (const key of [
        { pk: pk.padEnd(2048, 'p'), sk: 's'.repeat(1024) },
        { pk: `${pk}/é\u0001"#:{}`, sk: 'é😀 /#:"\u0001' },
      ]) {
        await items().update(key, { patches: [set('a', 1)] })
        expect(await items().get(key)).toEqual({ a: 1 })
      }
    })
  })

  describe('a batch of gets', () => {
    it('answers in the order of the keys, absent and repeated ones included', async () => {
      const [a, b, none] = [freshKey('a'), freshKey('b'), freshKey()]
      await items().update(a, { patches: [set('v', 'a')] })
      await items().update(b, { patches: [set('v', 'b')] })
      expect(await items().batchGet([b, none, a, b])).toEqual([{ v: 'b' }, undefined, { v: 'a' }, { v: 'b' }])
      expect(await items().batchGet([])).toEqual([])
    })
    it('takes 100 keys and no more', async () => {
      const pk = freshName()
      const keys = await fill(items(), pk, 100, 10)
      expect((await items().batchGet(keys.toReversed())).map((item) => item?.i)).toEqual(keys.map((_, i) => 99 - i))
      await expect(items().batchGet([...keys, freshKey()])).rejects.toThrow()
    })
    it(
      'is whole even where it holds more than one answer may carry (19 MB)',
      async () => {
        const keys = await fill(items(), freshName(), 50, 380 * 1024)
        const found = await items().batchGet([...keys, freshKey()])
        expect(found.map((item) => item?.i)).toEqual([...keys.map((_, i) => i), undefined])
        expect(found[49]?.b).toEqual(someBytes(380 * 1024, 49))
      },
      manyMs,
    )
  })

  describe('a query', () => {
    const pk = freshName()
    const sks = async (query: { from?: string; to?: string; reverse?: boolean; limit: number }) =>
      (await items().query({ pk, ...query })).map(({ sk }) => sk)

    beforeAll(async () => {
      for (const sk of ['d', 'a', 'c', 'e', 'b']) await items().update({ pk, sk }, { patches: [set('v', sk)] })
      await items().update({ pk: `${pk}a`, sk: 'a' }, { patches: [set('v', 'of another partition')] })
      await items().update({ pk: `${pk}\u0000`, sk: 'a' }, { patches: [set('v', 'of yet another partition')] })
    })

    it('returns the rows of one partition in order', async () => {
      const rows = await items().query({ pk, limit: 100 })
      expect(rows).toEqual(['a', 'b', 'c', 'd', 'e'].map((sk) => ({ sk, item: { v: sk } })))
    })
    it('returns the last first in reverse', async () => {
      expect(await sks({ reverse: true, limit: 100 })).toEqual(['e', 'd', 'c', 'b', 'a'])
    })
    it('includes both ends of its range', async () => {
      expect(await sks({ from: 'b', to: 'd', limit: 100 })).toEqual(['b', 'c', 'd'])
      expect(await sks({ from: 'b', to: 'd', reverse: true, limit: 100 })).toEqual(['d', 'c', 'b'])
      expect(await sks({ from: 'b', limit: 100 })).toEqual(['b', 'c', 'd', 'e'])
      expect(await sks({ to: 'b', limit: 100 })).toEqual(['a', 'b'])
      expect(await sks({ from: 'c', to: 'c', limit: 100 })).toEqual(['c'])
    })
    it('takes ends that are no keys', async () => {
      expect(await sks({ from: 'aa', to: 'cc', limit: 100 })).toEqual(['b', 'c'])
      expect(await sks({ from: 'aa', to: 'cc', reverse: true, limit: 100 })).toEqual(['c', 'b'])
      expect(await sks({ to: 'cc', reverse: true, limit: 1 })).toEqual(['c'])
    })
    it('stops at its limit, counted from the end it starts at', async () => {
      expect(await sks({ limit: 2 })).toEqual(['a', 'b'])
      expect(await sks({ from: 'b', limit: 2 })).toEqual(['b', 'c'])
      expect(await sks({ to: 'd', reverse: true, limit: 2 })).toEqual(['d', 'c'])
      expect(await sks({ from: 'b', to: 'd', limit: 3 })).toEqual(['b', 'c', 'd'])
    })
    it('of nothing is empty: another partition, an empty range, a range the wrong way round', async () => {
      expect(await items().query({ pk: freshName(), limit: 10 })).toEqual([])
      expect(await sks({ from: 'x', limit: 10 })).toEqual([])
      expect(await sks({ from: 'd', to: 'b', limit: 10 })).toEqual([])
    })
    it('orders keys by their UTF-8 bytes', async () => {
      const pk = freshName()
      const ordered = ['\u0001', '!', '0', '10', '9', 'A', 'a', 'a\u0000', 'aa', 'é', '\u0800', '\uffee', '😀', '😀a']
      for (const sk of ordered.toReversed()) await items().update({ pk, sk }, { patches: [] })
      expect((await items().query({ pk, limit: 100 })).map(({ sk }) => sk)).toEqual(ordered)
      const range = await items().query({ pk, from: 'é', to: '\uffff', limit: 100 })
      expect(range.map(({ sk }) => sk)).toEqual(['é', '\u0800', '\uffee'])
    })
    it('sees what was deleted no more', async () => {
      const pk = freshName()
      const keys = await fill(items(), pk, 5, 1)
      for (const key of keys.slice(1, 4)) await items().delete(key)
      expect((await items().query({ pk, limit: 10 })).map(({ item }) => item.i)).toEqual([0, 4])
    })
    it(
      'is whole even where it is longer than one page (6 MB), in both directions and with limits',
      async () => {
        const pk = freshName()
        const numbers = (await fill(items(), pk, 60, 100 * 1024)).map((_, i) => i)
        const found = async (query: { from?: string; reverse?: boolean; limit: number }) =>
          (await items().query({ pk, ...query })).map(({ item }) => item.i)
        expect(await found({ limit: 1000 })).toEqual(numbers)
        expect(await found({ reverse: true, limit: 1000 })).toEqual(numbers.toReversed())
        expect(await found({ limit: 35 })).toEqual(numbers.slice(0, 35))
        expect(await found({ reverse: true, limit: 35 })).toEqual(numbers.toReversed().slice(0, 35))
        expect(await found({ from: 'row-00020', limit: 60 })).toEqual(numbers.slice(20))
        expect(await found({ limit: 60 })).toEqual(numbers)
      },
      manyMs,
    )
  })
}
