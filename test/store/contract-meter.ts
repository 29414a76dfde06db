import { describe, expect, it } from 'vitest'
import { add, equals, type ItemStore, set } from '../../src/store/items.ts'
import type { StoreUse } from '../../src/store/meter.ts'
import type { ObjectStore } from '../../src/store/objects.ts'
import type { Stores } from '../../src/store/stores.ts'
import { freshKey, freshName, someBytes } from './fresh.ts'

type Units = { readonly readUnits?: number; readonly writeUnits?: number }

export function meterContract(stores: () => Stores, exact: boolean, exactTransactions: boolean): void {
  describe('a meter', () => {
    /** What the calls cost, summed, after a check of what they were. */
    async function cost(
      call: StoreUse['call'],
      outcome: StoreUse['outcome'],
      work: (items: ItemStore) => Promise<unknown>,
    ) {
      const uses: StoreUse[] = []
      await work(stores().items.metered((use) => uses.push(use)))
      expect(new Set(uses.map((use) => `${use.store} ${use.call} ${use.outcome}`))).toEqual(
        new Set([`items ${call} ${outcome}`]),
      )
      const total = (units: (use: StoreUse) => number) => uses.reduce((all, use) => all + units(use), 0)
      return { readUnits: total((use) => use.readUnits), writeUnits: total((use) => use.writeUnits) }
    }
    const same = (told: Units, expected: Units) => exact && expect(told).toMatchObject(expected)

    it('is told a write unit per KB of the larger item, before or after', async () => {
      const key = freshKey()
      const write = (size: number) => (items: ItemStore) => items.update(key, { patches: [set('b', someBytes(size))] })
      same(await cost('update', 'ok', write(100)), { writeUnits: 1, readUnits: 0 })
      same(await cost('update', 'ok', write(2500)), { writeUnits: 3 })
      same(await cost('update', 'ok', write(10)), { writeUnits: 3 })
      same(await cost('update', 'ok', write(10)), { writeUnits: 1 })
    })
    it('is told the size of every kind of value', async () => {
      // 4 + 45 + 4 bytes of key; then name and value of each attribute, brought to exactly 1 KB by the binary.
      const key = freshKey()
      const kinds = [
        set('n', 123),
        set('m', -1.5),
        set('z', null),
        set('t', true),
        set('s', 'é'),
        set('l', [1, 'x']),
        set('o', { k: 0 }),
      ]
      const bytes =
        2 + key.pk.length + 2 + key.sk.length + (1 + 3) + (1 + 4) + (1 + 1) + (1 + 1) + (1 + 2) + (1 + 8) + (1 + 6)
      const filler = (spare: number) => set('b', someBytes(1024 - bytes - 1 + spare))
      same(await cost('update', 'ok', (items) => items.update(key, { patches: [...kinds, filler(0)] })), {
        writeUnits: 1,
      })
      same(await cost('update', 'ok', (items) => items.update(key, { patches: [filler(1)] })), { writeUnits: 2 })
    })
    it('is told what a failed condition costs: by what is there, at least one', async () => {
      const key = freshKey()
      const failed = await cost('update', 'condition-failed', (items) =>
        items.update(key, { patches: [add('n', 1)], if: equals('n', 1) }),
      )
      same(failed, { writeUnits: 1 })
      await stores().items.update(key, { patches: [set('b', someBytes(2500))] })
      same(await cost('delete', 'condition-failed', (items) => items.delete(key, equals('n', 1))), { writeUnits: 3 })
    })
    it('is told what a delete costs: the size of what was there, at least one', async () => {
      const key = freshKey()
      await stores().items.update(key, { patches: [set('b', someBytes(2500))] })
      same(await cost('delete', 'ok', (items) => items.delete(key)), { writeUnits: 3 })
      same(await cost('delete', 'ok', (items) => items.delete(key)), { writeUnits: 1 })
    })
    it('is told a read unit per 4 KB: for each item got, and for the sum of a page queried', async () => {
      const pk = freshName()
      const keys = ['a', 'b', 'c'].map((sk) => ({ pk, sk }))
      for (const key of keys) await stores().items.update(key, { patches: [set('b', someBytes(5000))] })
      same(await cost('get', 'ok', (items) => items.get({ pk, sk: 'a' })), { readUnits: 2, writeUnits: 0 })
      same(await cost('batchGet', 'ok', (items) => items.batchGet(keys)), { readUnits: 6 })
      same(await cost('query', 'ok', (items) => items.query({ pk, limit: 10 })), { readUnits: 4 })
    })
    it('is told that transactions cost double', async () => {
      const [a, b] = [freshKey(), freshKey()]
      const write = (items: ItemStore) =>
        items.transact([
          { update: a, patches: [set('b', someBytes(1500))] },
          { update: b, patches: [set('b', someBytes(10))] },
        ])
      const told = await cost('transact', 'ok', write)
      expect(told).toMatchObject(exactTransactions ? { writeUnits: 6 } : {})
    })
    it('is told of objects, and all meters on the way are', async () => {
      const [first, second]: [StoreUse[], StoreUse[]] = [[], []]
      const outer = stores().objects.metered((use) => first.push(use))
      const objects: ObjectStore = outer.metered((use) => second.push(use))
      const key = `${freshName()}/a`
      await objects.put(key, [someBytes(10), someBytes(20)])
      await objects.put(key, [someBytes(5)])
      await objects.get(key, { start: 5, end: 8 })
      expect(first.map(({ store, call, outcome }) => `${store} ${call} ${outcome}`)).toEqual([
        'objects put ok',
        'objects put condition-failed',
        'objects get ok',
      ])
      expect(first.map(({ bytes }) => bytes)).toEqual([30, 5, 3])
      expect(second).toEqual(first)
    })
  })
}
