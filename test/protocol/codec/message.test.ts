import { describe, expect, it } from 'vitest'
import { message } from '../../../src/protocol/codec/message.ts'
import {
  array,
  bool,
  bytes,
  float64,
  ignorable,
  int8,
  int16,
  int32,
  int64,
  legacy,
  maxInt64,
  nullable,
  nullableSince,
  or,
  orNull,
  records,
  since,
  string,
  struct,
  tagged,
  uint16,
  uint32,
  until,
  uuid,
  versions,
  zeroUuid,
} from '../../../src/protocol/codec/schema.ts'
import { KafkaError } from '../../../src/protocol/errors.ts'

const everything = message('Everything', [0, 4], 2, {
  flag: bool,
  tiny: int8,
  short: int16,
  port: uint16,
  int: int32,
  unsigned: uint32,
  long: int64,
  double: float64,
  id: uuid,
  text: string,
  note: nullable(string),
  data: bytes,
  batches: nullable(records),
  list: array(int32),
  rows: nullableSince(1, array(struct({ name: string, epoch: since(1, or(-1, int32)) }))),
  cursor: orNull(struct({ topic: string, partition: int32 })),
  old: until(1, string),
  middle: versions(1, 2, or(7, int16)),
  extra: tagged(0, 3, orNull(string)),
  leader: tagged(5, 2, ignorable(struct({ id: or(-1, int32), epoch: or(-1, int32) }))),
})

const full = {
  flag: true,
  tiny: -128,
  short: -2,
  port: 65_535,
  int: -(2 ** 31),
  unsigned: 2 ** 32 - 1,
  long: -(2 ** 53 - 1),
  double: 0.1,
  id: 'AAECAwQFBgcICQoLDA0ODw',
  text: 'größer 😀',
  note: null,
  data: Buffer.from([1, 2]),
  batches: null,
  list: [1, -1],
  rows: [{ name: 'a' }],
  cursor: { topic: 't', partition: 3 },
}

describe('a message', () => {
  it('comes back as it was written, in every version', () => {
    for (const version of [0, 1, 2, 3, 4]) {
      const decoded = everything.decode(version, everything.encode(version, full))
      expect(decoded).toMatchObject({ ...full, rows: [{ name: 'a', epoch: -1 }] })
      expect(everything.encode(version, decoded)).toEqual(everything.encode(version, full))
    }
  })

  it('gives the defaults of fields that its version does not have', () => {
    const decoded = everything.decode(4, everything.encode(4, full))
    expect(decoded).toMatchObject({ old: '', middle: 7, extra: null, leader: { id: -1, epoch: -1 } })
  })

  it('carries tagged fields where they differ from their default, however long they are', () => {
    const extra = 'x'.repeat(70_000)
    const encoded = everything.encode(3, { ...full, extra, leader: { id: 4 } })
    expect(everything.decode(3, encoded)).toMatchObject({ extra, leader: { id: 4, epoch: -1 } })
    expect(everything.decode(4, everything.encode(4, { ...full, extra: '' }))).toMatchObject({ extra: '' })
  })

  it('skips tagged fields of a newer version', () => {
    const newer = message('M', [0, 0], 0, { a: int8, b: tagged(1, 0, string), c: tagged(2, 0, int32) })
    const older = message('M', [0, 0], 0, { a: int8, c: tagged(2, 0, int32) })
    expect(older.decode(0, newer.encode(0, { a: 1, b: 'new', c: 9 }))).toEqual({ a: 1, c: 9 })
  })

  it('refuses to drop a field that was set, unless that may be ignored', () => {
    expect(() => everything.encode(2, { ...full, old: 'x' })).toThrow(/has no old/)
    expect(everything.encode(2, { ...full, old: '' })).toEqual(everything.encode(2, full))
    expect(everything.encode(1, { ...full, leader: { id: 1 } })).toEqual(everything.encode(1, full))
  })

  it('writes a string of a header in the old form where it is asked to', () => {
    const header = message('H', [1, 2], 2, { id: int32, client: legacy(nullable(string)) })
    expect(header.encode(2, { id: 1, client: 'ab' }).toString('hex')).toBe('00000001000261' + '6200')
    expect(header.encode(2, { id: 1, client: null }).toString('hex')).toBe('00000001ffff00')
  })

  it('reads 64 bits as a number: exactly up to 2^53 - 1, else the nearest, and Long.MAX_VALUE survives', () => {
    const long = message('L', [0, 0], Infinity, { value: int64 })
    const back = (hex: string) => long.encode(0, long.decode(0, Buffer.from(hex, 'hex'))).toString('hex')
    for (const exact of [
      '001fffffffffffff',
      'ffe0000000000001',
      '7fffffffffffffff',
      '8000000000000000',
      'ffffffffffffffff',
    ])
      expect(back(exact)).toBe(exact)
    expect(long.decode(0, Buffer.from('7fffffffffffffff', 'hex')).value).toBe(maxInt64)
    expect(back('0020000000000001')).toBe('0020000000000000')
  })

  it('never writes a number as another number', () => {
    for (const wrong of [
      { tiny: 128 },
      { short: 40_000 },
      { int: 2 ** 31 },
      { int: 0.5 },
      { long: Number.NaN },
      { port: -1 },
    ])
      expect(() => everything.encode(0, { ...full, ...wrong })).toThrow(RangeError)
    expect(() => everything.encode(0, { ...full, id: 'short' })).toThrow(RangeError)
    expect(() => everything.encode(0, { ...full, rows: null })).toThrow(TypeError)
    expect(zeroUuid).toHaveLength(22)
  })
})

describe('bytes that are no message', () => {
  const refused = (version: number, bytes: Uint8Array) => {
    try {
      everything.decode(version, bytes)
      return 'read'
    } catch (error) {
      return error instanceof KafkaError ? error.error : error
    }
  }

  it('are refused wherever they end, and where they go on', () => {
    for (const version of [0, 4]) {
      const whole = everything.encode(version, { ...full, rows: [{ name: 'a' }, { name: 'b' }] })
      for (let length = 0; length < whole.length; length++)
        expect(refused(version, whole.subarray(0, length))).toBe('INVALID_REQUEST')
      expect(refused(version, Buffer.concat([whole, Buffer.from([0])]))).toBe('INVALID_REQUEST')
    }
  })

  it('are refused before memory is taken for what they claim', () => {
    const list = message('List', [0, 1], 1, { rows: array(struct({ a: int64, b: int64 })) })
    const claims = (version: number, hex: string) => () => list.decode(version, Buffer.from(hex, 'hex'))
    expect(claims(0, `7fffffff${'00'.repeat(64)}`)).toThrow(/claims 2147483647 elements/)
    expect(claims(0, `00000005${'00'.repeat(64)}`)).toThrow(/claims 5 elements/)
    expect(claims(1, `ffffffff0f${'00'.repeat(64)}`)).toThrow(/claims 4294967294 elements/)
    expect(claims(1, `ffffffffff0f${'00'.repeat(64)}`)).toThrow(/more than 32 bits/)
    expect(claims(0, 'fffffffe')).toThrow(/length of -2/)
    expect(claims(0, 'ffffffff')).toThrow(/is null/)
  })

  it('are refused where they are all tiny elements, which take more memory than bytes', () => {
    const tiny = message('Tiny', [0, 0], 0, { rows: array(struct({ names: array(string) })) })
    const rows = (count: number) => tiny.encode(0, { rows: Array.from({ length: count }, () => ({ names: [''] })) })
    expect(tiny.decode(0, rows(500_000)).rows).toHaveLength(500_000)
    expect(() => tiny.decode(0, rows(500_001))).toThrow(/more array elements/)
  })

  it('are refused where a tagged field is not as long as it says', () => {
    const short = message('T', [0, 0], 0, { a: tagged(0, 0, int32) })
    expect(() => short.decode(0, Buffer.from('01000500000001ff', 'hex'))).toThrow(/shorter than the 5 bytes/)
    expect(() => short.decode(0, Buffer.from('010003000000', 'hex'))).toThrow(/ends 1 bytes after/)
  })

  it('are refused in a version that there is not', () => {
    expect(refused(5, Buffer.alloc(3))).toBe('UNSUPPORTED_VERSION')
    expect(refused(-1, Buffer.alloc(3))).toBe('UNSUPPORTED_VERSION')
    expect(refused(0.5, Buffer.alloc(3))).toBe('UNSUPPORTED_VERSION')
  })
})
