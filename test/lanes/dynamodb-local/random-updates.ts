/**
 * Random updates over few names and few values, so that they meet: present and absent, right and wrong types. What is
 * senseless in itself (booleans compared by order, nothing dropped) is left out: it is refused before the item is looked at.
 */
import fc from 'fast-check'
import type { Comparison, Condition, Patch, Scalar, Update, Value } from '../../../src/store/items.ts'

const attributes = ['a', 'b', 'c', 'size', 'l', 'm']
const attribute = fc.constantFrom(...attributes)

const integer = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.maxSafeInteger())
/** Within DynamoDB's range of 1e-130 to 9.99e125. */
const double = fc
  .double({ noNaN: true, min: -1e120, max: 1e120 })
  .map((value) => (Math.abs(value) < 1e-120 ? 0 : value))
const text = fc.oneof(
  fc.constantFrom('', 'x', 'xy', 'é', '😀', '\uffee'),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
)
const binary = fc.uint8Array({ maxLength: 6 })
const ordered = fc.oneof(integer, double, text, binary)
const scalar: fc.Arbitrary<Scalar> = fc.oneof(ordered, fc.boolean())
const large = fc.integer({ min: 200, max: 5_000 }).map((length) => new Uint8Array(length).fill(length))

const { value } = fc.letrec<{ value: Value; list: Value[]; map: { [name: string]: Value } }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, scalar, fc.constant(null), tie('list'), tie('map')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  map: fc.dictionary(fc.constantFrom('x', 'y', 'long name', 'é'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
}))
const list = fc.array(fc.oneof(scalar, value), { maxLength: 6 })

/** One patch of this attribute. Lists are likely under `l` and `m`, so that lists meet lists. */
function patchOf(name: string): fc.Arbitrary<Patch> {
  const anything =
    name === 'l' || name === 'm' ? list : fc.oneof({ weight: 9, arbitrary: value }, { weight: 1, arbitrary: large })
  const numeric = fc.integer({ min: -1_000_000, max: 1_000_000 })
  return fc.oneof(
    anything.map((to) => ({ set: name, to })),
    anything.map((to) => ({ setIfAbsent: name, to })),
    numeric.map((by) => ({ add: name, by })),
    list.map((values) => ({ append: name, values })),
    fc.integer({ min: 1, max: 8 }).map((count) => ({ dropFirst: name, count })),
    fc.constant({ remove: name }),
  )
}

const patches = fc.uniqueArray(attribute, { maxLength: 4 }).chain((names) => fc.tuple(...names.map(patchOf)))

const comparison = fc.constantFrom<Comparison>('=', '<>', '<', '<=', '>', '>=')
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ exists: attribute }),
    fc.record({ absent: attribute }),
    fc.record({ attribute, is: comparison, value: ordered }),
    fc.record({ attribute, is: fc.constantFrom<Comparison>('=', '<>'), value: fc.boolean() }),
    fc.record({ list: attribute, contains: scalar }),
    fc.record({ list: attribute, shorterThan: fc.integer({ min: -1, max: 6 }) }),
    fc.record({ all: fc.array(tie('condition'), { maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('condition'), { maxLength: 3 }) }),
    fc.record({ not: tie('condition') }),
  ),
}))

/** Half of the updates are unconditional, so that something is written. */
export const update: fc.Arbitrary<Update> = fc
  .tuple(patches, fc.option(condition, { freq: 2, nil: undefined }))
  .map(([patches, when]) => (when ? { patches, if: when } : { patches }))
