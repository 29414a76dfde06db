import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  readVarint,
  readVarlong,
  varintBytes,
  writeVarint,
  writeVarlong,
} from '../../../src/protocol/records/varint.ts'

const cursorOver = (bytes: Uint8Array) => ({ bytes, at: 0, end: bytes.length })

it('a 32-bit number comes back, in exactly the bytes foretold', () => {
  fc.assert(
    fc.property(fc.oneof(fc.integer(), fc.integer({ min: -200, max: 200 })), (value) => {
      const out = cursorOver(new Uint8Array(varintBytes(value)))
      writeVarint(out, value)
      expect(out.at).toBe(out.end)
      expect(readVarint(cursorOver(out.bytes))).toBe(value)
      expect(readVarlong(cursorOver(out.bytes))).toBe(value)
    }),
  )
})

it('any safe integer comes back, in exactly the bytes foretold', () => {
  const power = fc.integer({ min: 0, max: 52 }).map((bits) => 2 ** bits)
  const near = fc
    .tuple(power, fc.integer({ min: -2, max: 2 }), fc.constantFrom(-1, 1))
    .map(([p, d, sign]) => sign * (p + d) + 0)
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeInteger(), near, fc.constantFrom(2 ** 53 - 1, 1 - 2 ** 53)), (value) => {
      const out = cursorOver(new Uint8Array(varintBytes(value)))
      writeVarlong(out, value)
      expect(out.at).toBe(out.end)
      expect(readVarlong(cursorOver(out.bytes))).toBe(value)
    }),
    { numRuns: 500 },
  )
})

it('numbers with too many bits, or cut off, are refused', () => {
  const ff = (count: number, last: number[]) => Uint8Array.from([...Array(count).fill(0xff), ...last])
  expect(readVarint(cursorOver(ff(4, [0x0f])))).toBe(-(2 ** 31))
  expect(() => readVarint(cursorOver(ff(4, [0x1f])))).toThrow(/more than 32 bits/)
  expect(() => readVarint(cursorOver(ff(5, [0x01])))).toThrow(/more than 32 bits/)
  expect(() => readVarint(cursorOver(ff(3, [])))).toThrow(/ends after its data/)
  expect(() => readVarlong(cursorOver(ff(9, [0x01])))).toThrow(/beyond what can be counted/)
  expect(() => readVarlong(cursorOver(ff(9, [0x03])))).toThrow(/more than 64 bits/)
  expect(() => readVarlong(cursorOver(ff(10, [0x01])))).toThrow(/more than 64 bits/)
  expect(() => readVarlong(cursorOver(ff(8, [])))).toThrow(/ends after its data/)
})

it('a padded number is read, as in Kafka', () => {
  expect(readVarint(cursorOver(new Uint8Array([0x82, 0x80, 0x00])))).toBe(1)
})
