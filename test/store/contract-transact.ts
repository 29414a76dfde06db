import { describe, expect, it } from 'vitest'
import { absent, add, append, dropFirst, equals, exists, type ItemStore, set } from '../../src/store/items.ts'
import { freshKey, someBytes } from './fresh.ts'

export function transactContract(items: () => ItemStore, refusesMistyped: boolean): void {
  describe('a transaction', () => {
    it('does all of it where every condition is true', async () => {
      const [a, b, c, d] = [freshKey(), freshKey(), freshKey(), freshKey()]
      await items().update(b, { patches: [set('n', 1)] })
      await items().update(c, { patches: [set('n', 1)] })
      const done = await items().transact([
        { update: a, patches: [set('n', 9)], if: absent('n') },
        { update: b, patches: [add('n', 1), append('l', 'x')] },
        { delete: c, if: equals('n', 1) },
        { check: d, if: absent('n') },
      ])
      expect(done).toEqual({ applied: true })
      expect(await items().batchGet([a, b, c, d])).toEqual([{ n: 9 }, { n: 2, l: ['x'] }, undefined, undefined])
    })
    it('does nothing where one is false, and names the actions that failed', async () => {
      const [a, b, c] = [freshKey(), freshKey(), freshKey()]
      await items().update(b, { patches: [set('n', 1)] })
      const done = await items().transact([
        { update: a, patches: [set('n', 9)] },
        { update: b, patches: [add('n', 1)], if: equals('n', 2) },
        { check: c, if: exists('n') },
      ])
      expect(done).toEqual({ applied: false, failed: [1, 2] })
      expect(await items().batchGet([a, b, c])).toEqual([undefined, { n: 1 }, undefined])
    })
    it('is refused where it names a key twice, does nothing at all, or has more than 100 actions', async () => {
      const key = freshKey()
      const touch = (sk: string) => ({ update: { ...key, sk }, patches: [] })
      await expect(items().transact([touch('a'), touch('a')])).rejects.toThrow()
      await expect(items().transact([])).rejects.toThrow()
      await expect(items().transact(Array.from({ length: 101 }, (_, i) => touch(`a${i}`)))).rejects.toThrow()
      expect(await items().query({ pk: key.pk, limit: 1 })).toEqual([])
    })
    it('takes 100 actions', async () => {
      const key = freshKey()
      const actions = Array.from({ length: 100 }, (_, i) => ({
        update: { ...key, sk: `a${i}` },
        patches: [set('i', i)],
      }))
      expect(await items().transact(actions)).toEqual({ applied: true })
      expect(await items().query({ pk: key.pk, limit: 200 })).toHaveLength(100)
    })
    it('is refused as a whole where one patch makes no sense, or one item is too large', async () => {
      const [a, b] = [freshKey(), freshKey()]
      const first = { update: a, patches: [set('n', 1)] }
      const senseless = { update: b, patches: [dropFirst('l', 1)] }
      if (refusesMistyped) await expect(items().transact([first, senseless])).rejects.toThrow()
      await expect(
        items().transact([first, { update: b, patches: [set('b', someBytes(401 * 1024))] }]),
      ).rejects.toThrow()
      expect(await items().batchGet([a, b])).toEqual([undefined, undefined])
    })
    it('at once with others loses nothing', async () => {
      const [a, b] = [freshKey(), freshKey()]
      const raise = async (i: number) => {
        // A store may refuse one for meeting another; then it has certainly done nothing.
        const done = await items()
          .transact([
            { update: a, patches: [add('n', 1)] },
            { update: b, patches: [append('l', i)] },
          ])
          .catch((error: unknown) => ({ error }))
        if ('error' in done)
          expect(done.error).toMatchObject({ trouble: expect.stringMatching(/throttled|unavailable/) })
        return 'error' in done ? 0 : 1
      }
      const raised: number[] = await Promise.all(Array.from({ length: 20 }, (_, i) => raise(i)))
      const count = raised.reduce((total, one) => total + one, 0)
      const [x, y] = await items().batchGet([a, b])
      expect(count).toBeGreaterThan(0)
      expect(x?.n).toBe(count)
      expect(y?.l).toHaveLength(count)
    })
  })
}
