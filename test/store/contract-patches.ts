import { describe, expect, it } from 'vitest'
import {
  add,
  append,
  dropFirst,
  type ItemStore,
  type Patch,
  remove,
  set,
  setIfAbsent,
  type Value,
} from '../../src/store/items.ts'
import { freshKey, someBytes } from './fresh.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)

export function patchContract(items: () => ItemStore, refusesMistyped: boolean): void {
  describe('a patch', () => {
    /** The item that comes of these patches, one update after the other; also read back. */
    async function made(...updates: Patch[][]) {
      const key = freshKey()
      let item: unknown
      for (const patches of updates) item = (await items().update(key, { patches })).item
      expect(await items().get(key)).toEqual(item)
      return item
    }

    /** The update is refused as a mistake, and the item stays as it was. */
    async function refused(before: Patch[], patches: Patch[]) {
      const key = freshKey()
      if (before.length > 0) await items().update(key, { patches: before })
      const was = await items().get(key)
      await expect(items().update(key, { patches })).rejects.toThrow()
      expect(await items().get(key)).toEqual(was)
    }

    it('that sets creates the item, and replaces what was there whatever its type', async () => {
      expect(await made([set('a', 1)], [set('a', 'x'), set('b', [true])])).toEqual({ a: 'x', b: [true] })
    })
    it('that sets if absent keeps what is there, null included', async () => {
      expect(await made([set('a', null)], [setIfAbsent('a', 1), setIfAbsent('b', 2)])).toEqual({ a: null, b: 2 })
    })
    it('that adds counts an absent number as 0, and takes negative ones', async () => {
      expect(await made([add('a', 5)], [add('a', -7), add('b', 0)])).toEqual({ a: -2, b: 0 })
    })
    it('that adds fractions adds them in decimal', async () => {
      expect(await made([add('a', 0.1)], [add('a', 0.2)])).toEqual({ a: 0.3 })
    })
    it('that adds reaches the greatest safe integer exactly', async () => {
      expect(await made([set('a', Number.MAX_SAFE_INTEGER - 1)], [add('a', 1)])).toEqual({ a: 9007199254740991 })
    })
    it('that appends counts an absent list as empty, and keeps the order', async () => {
      expect(await made([append('l', 1)], [append('l', 'x', bytes(1, 2)), append('m')])).toEqual({
        l: [1, 'x', bytes(1, 2)],
        m: [],
      })
    })
    it('that drops takes the first elements, and no more than there are', async () => {
      expect(await made([set('l', [1, 2, 3, 4])], [dropFirst('l', 3)])).toEqual({ l: [4] })
      expect(await made([set('l', [1, 2])], [dropFirst('l', 5)])).toEqual({ l: [] })
      expect(await made([set('l', [])], [dropFirst('l', 1)])).toEqual({ l: [] })
    })
    it('that drops many takes exactly as many', async () => {
      const list = Array.from({ length: 120 }, (_, i) => i)
      expect(await made([set('l', list)], [dropFirst('l', 97)])).toEqual({ l: list.slice(97) })
    })
    it('that removes takes the attribute away, and does nothing where there is none', async () => {
      expect(await made([set('a', 1), set('b', 2)], [remove('a'), remove('c')])).toEqual({ b: 2 })
    })
    it('each of another attribute, all are applied to the item as it was', async () => {
      const before = [set('n', 1), set('l', [1, 2]), set('r', 0)]
      const patches = [
        add('n', 1),
        append('m', 9),
        dropFirst('l', 1),
        remove('r'),
        set('s', 's'),
        setIfAbsent('t', 't'),
      ]
      expect(await made(before, patches)).toEqual({ n: 2, m: [9], l: [2], s: 's', t: 't' })
    })
    it('is not needed to create an item', async () => {
      expect(await made([])).toEqual({})
      expect(await made([set('a', 1)], [])).toEqual({ a: 1 })
    })
    it('may name attributes that are words of DynamoDB, or no words at all', async () => {
      const patches = [set('size', 1), set('next', 2), set('a.b', 3), set('with space', 4), set('0', 5), set('#', 6)]
      expect(await made(patches, [add('size', 1), remove('a.b')])).toEqual({
        size: 2,
        next: 2,
        'with space': 4,
        '0': 5,
        '#': 6,
      })
    })
    it('is refused where it adds to what is no number', () => refused([set('a', 'x')], [add('a', 1), set('b', 1)]))
    if (refusesMistyped) {
      it('is refused where it appends to what is no list', () => refused([set('a', 1)], [append('a', 1)]))
      it('is refused where it drops from no list', async () => {
        await refused([], [dropFirst('a', 1)])
        await refused([set('a', 1)], [dropFirst('a', 1)])
      })
    }
    it('is refused where another one names the same attribute', () => refused([], [set('a', 1), add('a', 1)]))
  })

  describe('a value', () => {
    const values: Record<string, Value> = {
      'an empty string': '',
      'text of every length in UTF-8': 'aé€😀',
      'an empty binary': bytes(),
      'a binary with every byte': someBytes(512),
      'the greatest safe integers': [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
      doubles: [0.1, -1.5, 1 / 3, 1e-7, 1.7976931348623e100, 123456.789],
      'null, true and false': [null, true, false],
      'empty containers': [[], {}],
      'nested containers': { list: [1, ['x', { deep: [bytes(0, 255), null] }]], map: { a: { b: { c: 'd' } } } },
    }
    for (const [name, value] of Object.entries(values)) it(`comes back as it was: ${name}`, () => comesBack(value))

    async function comesBack(value: Value) {
      const key = freshKey()
      expect((await items().update(key, { patches: [set('v', value)] })).item).toEqual({ v: value })
      expect(await items().get(key)).toEqual({ v: value })
    }

    it('is no window on the caller: changing what went in or came out changes nothing', async () => {
      const key = freshKey()
      const given = bytes(1, 2, 3)
      const list = [given]
      const { item } = await items().update(key, { patches: [set('b', given), set('l', list), append('m', given)] })
      const expected = { b: bytes(1, 2, 3), l: [bytes(1, 2, 3)], m: [bytes(1, 2, 3)] }
      const spoil = (held: Value | undefined) => held instanceof Uint8Array && held.fill(9)
      given.fill(7)
      list.push(given)
      spoil(item?.b)
      const read = await items().get(key)
      expect(read).toEqual(expected)
      spoil(read?.b)
      for (const row of await items().query({ pk: key.pk, limit: 1 })) spoil(row.item.b)
      expect(await items().get(key)).toEqual(expected)
    })
    it('is refused beyond what a number can hold', async () => {
      const key = freshKey()
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
        await expect(items().update(key, { patches: [set('v', value)] })).rejects.toThrow()
      }
      expect(await items().get(key)).toBeUndefined()
    })
    it('that makes an item larger than 400 KB is refused, and nothing is written', async () => {
      const key = freshKey()
      await items().update(key, { patches: [set('b', someBytes(300 * 1024))] })
      const tooMuch = items().update(key, { patches: [set('c', someBytes(101 * 1024)), set('d', 1)] })
      await expect(tooMuch).rejects.toMatchObject({ name: 'StoreError', trouble: 'too-large' })
      expect(Object.keys((await items().get(key)) ?? {})).toEqual(['b'])
      await expect(items().update(freshKey(), { patches: [set('b', someBytes(401 * 1024))] })).rejects.toMatchObject({
        trouble: 'too-large',
      })
    })
    it('of just under 400 KB is taken', async () => {
      const key = freshKey()
      const value = someBytes(400 * 1024 - 200)
      await items().update(key, { patches: [set('b', value)] })
      expect(await items().get(key)).toEqual({ b: value })
    })
  })

  describe('updates at once', () => {
    it('lose nothing: 100 additions are all counted, and each answer is seen once', async () => {
      const key = freshKey()
      const written = await Promise.all(
        Array.from({ length: 100 }, (_, i) => items().update(key, { patches: [add('n', 1), append('l', i)] })),
      )
      const counts = written.map(({ item }) => item?.n).sort((a, b) => Number(a) - Number(b))
      expect(counts).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
      const { n, l } = (await items().get(key)) ?? {}
      expect(n).toBe(100)
      expect(new Set(Array.isArray(l) ? l : []).size).toBe(100)
    })
    it('let exactly one create an item', async () => {
      const key = freshKey()
      const create = (who: number) => items().update(key, { patches: [set('who', who)], if: { absent: 'who' } })
      const written = await Promise.all(Array.from({ length: 16 }, (_, i) => create(i)))
      const winner = written.findIndex(({ applied }) => applied)
      expect(written.filter(({ applied }) => applied)).toHaveLength(1)
      for (const { item } of written) expect(item).toEqual({ who: winner })
    })
  })
}
