import fc from 'fast-check'
import { expect, test } from 'vitest'
import { children, compactText } from '../../src/http/json-text.ts'

const spaces = fc.array(fc.constantFrom(' ', '\n', '\t', '\r'), { maxLength: 3 }).map((all) => all.join(''))
const loose = fc.tuple(fc.jsonValue({ maxDepth: 4 }), spaces)

test('the parts of any document come out as JSON.stringify writes them, however it is spaced', () => {
  fc.assert(
    fc.property(fc.array(loose, { maxLength: 5 }), spaces, (values, around) => {
      const texts = values.map(([value, space]) => `${space}${JSON.stringify(value, null, 3)}${around}`)
      const list = `${around}[${texts.join(',') || around}]${around}`
      const object = `{${texts.map((text, n) => `${around}"n\\u0061\\"${n}" : ${text}`).join(',')}}`
      const wanted = values.map(([value]) => JSON.stringify(value))
      const found = Array.from(children(list, 0), ({ start, end }) => compactText(list, start, end))
      expect(found).toEqual(wanted)
      const members = Array.from(children(object, 0), ({ name, start, end }) => [name, compactText(object, start, end)])
      expect(members).toEqual(wanted.map((text, n) => [`na"${n}`, text]))
    }),
    { numRuns: 500 },
  )
})

test('strings have one form, however they are escaped', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at).toString(16).padStart(4, '0'))
      const escaped = `"${units.map((unit) => `\\u${unit}`).join('')}"`
      expect(compactText(escaped, 0, escaped.length)).toBe(JSON.stringify(text))
    }),
  )
})

test('a body of millions of characters, or nested a million deep, is read in time that grows with its length', () => {
  const long = `[${'"\\\\\\"",'.repeat(300_000)}1]`
  expect(compactText(long, 0, long.length)).toBe(long)
  const deep = `[${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}]`
  expect(Array.from(children(deep, 0), ({ start, end }) => end - start)).toEqual([2_000_000])
})
