import { describe, expect, it } from 'vitest'
import {
  absent,
  all,
  any,
  type Comparison,
  type Condition,
  compare,
  contains,
  equals,
  exists,
  type Item,
  type ItemStore,
  not,
  set,
  shorterThan,
} from '../../src/store/items.ts'
import { freshKey } from './fresh.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)

const sample: Item = {
  n: 5,
  s: 'b',
  high: '\uffee',
  t: true,
  z: null,
  b: bytes(1, 200),
  l: [1, 'x', bytes(1, 2), true],
  e: [],
}

const always: Record<string, Condition> = {
  'an attribute exists': exists('n'),
  'a null exists': exists('z'),
  'an attribute is absent': absent('nope'),
  'numbers are equal': equals('n', 5),
  'numbers differ': compare('n', '<>', 6),
  'a number lies below, at or above another': all(
    compare('n', '<', 6),
    compare('n', '<=', 5),
    compare('n', '>', -1),
    compare('n', '>=', 5),
  ),
  'strings are ordered by their UTF-8 bytes': all(
    compare('s', '>', 'a'),
    compare('s', '<', 'ba'),
    compare('high', '<', '😀'),
  ),
  'binaries are equal by content': equals('b', bytes(1, 200)),
  'binaries are ordered by unsigned bytes': all(
    compare('b', '>', bytes(1, 100)),
    compare('b', '<', bytes(1, 200, 0)),
    compare('b', '>=', bytes()),
  ),
  'booleans are equal': equals('t', true),
  'an absent attribute differs from everything': compare('nope', '<>', 1),
  'an attribute of another type differs': all(
    compare('n', '<>', '5'),
    compare('z', '<>', false),
    compare('l', '<>', 1),
  ),
  'a list holds a number, a string, a binary, a boolean': all(
    contains('l', 1),
    contains('l', 'x'),
    contains('l', bytes(1, 2)),
    contains('l', true),
  ),
  'a list is shorter': all(shorterThan('l', 5), shorterThan('e', 1)),
  'any of several is true': any(equals('n', 4), equals('n', 5)),
  'nested ones are': all(not(any(equals('n', 1), all(exists('n'), absent('s')))), not(not(exists('s')))),
}

const never: Record<string, Condition> = {
  'an absent attribute exists': exists('nope'),
  'an existing attribute is absent': absent('z'),
  'numbers are equal that are not': equals('n', 5.5),
  'equal numbers differ': compare('n', '<>', 5),
  'equal binaries differ': compare('b', '<>', bytes(1, 200)),
  'an absent attribute is in any order': any(
    ...(['=', '<', '<=', '>', '>='] as Comparison[]).map((is) => compare('nope', is, 1)),
  ),
  'an attribute of another type is in any order': any(
    ...(['=', '<', '<=', '>', '>='] as Comparison[]).map((is) => compare('n', is, '5')),
    equals('z', false),
    compare('b', '>=', ''),
  ),
  'a list holds what it does not': any(contains('l', 2), contains('l', '1'), contains('l', bytes(1)), contains('e', 1)),
  'an absent list holds anything': contains('nope', 1),
  'text or bytes, which are no lists, hold a part of them': any(contains('s', 'b'), contains('b', bytes(1))),
  'a list is as long or longer': any(shorterThan('l', 4), shorterThan('e', 0)),
  'an absent list is short': shorterThan('nope', 10),
  'text, which is no list, is short': shorterThan('s', 10),
  'one of all is false': all(equals('n', 5), equals('s', 'c')),
  'none of any is true': any(equals('n', 4), equals('s', 'c')),
}

const falseOnNothing: Condition[] = [
  exists('n'),
  equals('n', 5),
  compare('n', '>=', 0),
  contains('l', 1),
  shorterThan('l', 9),
]
const trueOnNothing: Condition[] = [absent('n'), compare('n', '<>', 5), not(exists('n')), not(shorterThan('l', 9))]

export function conditionContract(items: () => ItemStore): void {
  describe('a condition is true where', () => {
    for (const [name, condition] of Object.entries(always)) {
      it(name, async () => {
        const key = freshKey()
        await items().update(key, { patches: Object.entries(sample).map(([name, value]) => set(name, value)) })
        const written = await items().update(key, { patches: [set('new', 1)], if: condition })
        expect(written).toEqual({ applied: true, item: { ...sample, new: 1 } })
      })
    }
  })

  describe('a condition is false where', () => {
    for (const [name, condition] of Object.entries(never)) {
      it(name, async () => {
        const key = freshKey()
        await items().update(key, { patches: Object.entries(sample).map(([name, value]) => set(name, value)) })
        const written = await items().update(key, { patches: [set('n', 0)], if: condition })
        expect(written).toEqual({ applied: false, item: sample })
        expect(await items().get(key)).toEqual(sample)
      })
    }
  })

  describe('a condition on an item that does not exist', () => {
    it('sees every attribute absent', async () => {
      for (const condition of falseOnNothing) {
        const key = freshKey()
        expect(await items().update(key, { patches: [set('n', 1)], if: condition })).toEqual({
          applied: false,
          item: undefined,
        })
        expect(await items().get(key)).toBeUndefined()
      }
      for (const condition of trueOnNothing) {
        expect(await items().update(freshKey(), { patches: [set('n', 1)], if: condition })).toEqual({
          applied: true,
          item: { n: 1 },
        })
      }
    })
    it('is looked at before the patches are', async () => {
      const written = await items().update(freshKey(), { patches: [{ dropFirst: 'l', count: 1 }], if: exists('l') })
      expect(written).toEqual({ applied: false, item: undefined })
    })
  })

  describe('a delete', () => {
    it('removes the item and answers what was there, `{}` where there was nothing', async () => {
      const key = freshKey()
      await items().update(key, { patches: [set('a', 1)] })
      expect(await items().delete(key)).toEqual({ applied: true, item: { a: 1 } })
      expect(await items().get(key)).toBeUndefined()
      expect(await items().delete(key)).toEqual({ applied: true, item: {} })
    })
    it('with a condition leaves the item alone where that is false', async () => {
      const key = freshKey()
      await items().update(key, { patches: [set('a', 1)] })
      expect(await items().delete(key, equals('a', 2))).toEqual({ applied: false, item: { a: 1 } })
      expect(await items().get(key)).toEqual({ a: 1 })
      expect(await items().delete(key, equals('a', 1))).toEqual({ applied: true, item: { a: 1 } })
      expect(await items().delete(key, equals('a', 1))).toEqual({ applied: false, item: undefined })
    })
  })
}
