import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchesIn, checkBatch, decodeBatch, encodeBatch, type NewRecord } from '../../../src/protocol/records/batch.ts'
import { compress } from '../../../src/protocol/records/compression.ts'
import { crc32c } from '../../../src/protocol/records/crc32c.ts'

const blob = fc.option(fc.uint8Array({ maxLength: 200 }), { nil: null })
const record: fc.Arbitrary<NewRecord> = fc.record({
  timestampMs: fc.oneof(fc.integer({ min: -1, max: 2 ** 42 }), fc.constantFrom(-1, 0, 2 ** 52)),
  key: blob,
  value: blob,
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 20 }), value: blob }), { maxLength: 4 }),
})

const plain: NewRecord = { timestampMs: 1, key: null, value: new Uint8Array([1, 2, 3]), headers: [] }

/** A batch with one field changed and the CRC made right again. */
function patched(bytes: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const view = new DataView(copy.buffer)
  change(view)
  view.setUint32(17, crc32c(copy, 21))
  return copy
}

/** The header of `plain`'s batch around a record section of one's own. */
function around(section: Uint8Array, codec: number, count = 1): Uint8Array {
  const bytes = new Uint8Array(61 + section.length)
  bytes.set(encodeBatch([plain]).subarray(0, 61))
  bytes.set(section, 61)
  return patched(bytes, (view) => {
    view.setInt32(8, bytes.length - 12)
    view.setInt16(21, codec)
    view.setInt32(23, count - 1)
    view.setInt32(57, count)
  })
}

describe('our encoder', () => {
  it('writes what our decoder reads', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 30 }), async (records) => {
        const bytes = encodeBatch(records)
        expect(checkBatch(bytes)).toMatchObject({
          recordCount: records.length,
          producerId: -1,
          partitionLeaderEpoch: -1,
        })
        expect(await decodeBatch(bytes)).toEqual(records.map((given, offset) => ({ ...given, offset })))
      }),
      { numRuns: 300 },
    )
  })

  it('refuses an empty batch and times that no Kafka client can read', () => {
    expect(() => encodeBatch([])).toThrow(RangeError)
    for (const timestampMs of [-2, 0.5, Number.NaN, 2 ** 60]) {
      expect(() => encodeBatch([{ ...plain, timestampMs }])).toThrow(/no time in milliseconds/)
    }
  })
})

describe('the check of a produced batch', () => {
  const good = encodeBatch([plain, plain])

  it.each([
    ['a flipped bit', () => Uint8Array.from(good, (byte, at) => (at === 70 ? byte ^ 4 : byte)), 'CORRUPT_MESSAGE'],
    ['a missing end', () => good.subarray(0, good.length - 1), 'CORRUPT_MESSAGE'],
    ['an impossible length', () => patched(good, (view) => view.setInt32(8, 3)), 'CORRUPT_MESSAGE'],
    ['message format 1', () => patched(good, (view) => view.setInt8(16, 1)), 'UNSUPPORTED_FOR_MESSAGE_FORMAT'],
    ['message format 3', () => patched(good, (view) => view.setInt8(16, 3)), 'UNSUPPORTED_FOR_MESSAGE_FORMAT'],
    ['more offsets than records', () => patched(good, (view) => view.setInt32(23, 2)), 'INVALID_RECORD'],
    ['no records', () => patched(good, (view) => view.setInt32(57, 0)), 'INVALID_RECORD'],
    ['a control batch', () => patched(good, (view) => view.setInt16(21, 0x20)), 'INVALID_RECORD'],
    ['a producer id without sequence', () => patched(good, (view) => view.setBigInt64(43, 5n)), 'INVALID_RECORD'],
    ['an unknown compression', () => patched(good, (view) => view.setInt16(21, 5)), 'CORRUPT_MESSAGE'],
    [
      'a timestamp beyond exact numbers',
      () => patched(good, (view) => view.setBigInt64(35, 2n ** 60n)),
      'INVALID_TIMESTAMP',
    ],
    [
      'a base offset beyond exact numbers',
      () => patched(good, (view) => view.setBigInt64(0, 2n ** 60n)),
      'CORRUPT_MESSAGE',
    ],
  ])('refuses %s', (_, bytes, error) => {
    expect(() => checkBatch(bytes())).toThrow(expect.objectContaining({ error }))
  })

  it('accepts a batch in the middle of others, and none where none begins', () => {
    const two = Buffer.concat([good, good])
    expect(checkBatch(two, good.length).recordCount).toBe(2)
    expect(() => checkBatch(two, 2 * good.length)).toThrow(/too few/)
    expect(batchesIn(new Uint8Array())).toEqual([])
  })
})

describe('decoding hostile bytes', () => {
  it('refuses more decompressed bytes than allowed', async () => {
    const bomb = await compress('gzip', new Uint8Array(1 << 24))
    await expect(decodeBatch(around(bomb, 1), { maxBytes: 1 << 20 })).rejects.toMatchObject({
      error: 'MESSAGE_TOO_LARGE',
    })
    await expect(decodeBatch(around(bomb, 1))).rejects.toMatchObject({ error: 'CORRUPT_MESSAGE' })
  })

  it('believes no count of records, headers or bytes that the data cannot hold', async () => {
    const sections: [Uint8Array, count: number][] = [
      [new Uint8Array(14), 2 ** 31 - 1],
      [new Uint8Array([14, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff]), 1],
      [new Uint8Array([0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0]), 1],
      [new Uint8Array([14, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff]), 1],
      [new Uint8Array([12, 0, 0, 0, 1, 1, 0, 99]), 1],
      [new Uint8Array([12, 0, 0, 2, 1, 1, 0]), 1],
      [new Uint8Array([14, 0, 0, 0, 1, 1, 0, 0]), 1],
      [new Uint8Array([12, 0, 0, 0, 5, 1, 0]), 1],
      [new Uint8Array([12, 0, 0, 0, 1, 1, 1]), 1],
    ]
    for (const [section, count] of sections) {
      await expect(decodeBatch(around(section, 0, count)), section.join()).rejects.toMatchObject({
        error: 'CORRUPT_MESSAGE',
      })
    }
    expect(await decodeBatch(around(new Uint8Array([12, 0, 0, 0, 1, 1, 0]), 0))).toEqual([
      { offset: 0, timestampMs: 1, key: null, value: null, headers: [] },
    ])
  })

  it('refuses bytes after the batch', async () => {
    await expect(decodeBatch(Buffer.concat([encodeBatch([plain]), new Uint8Array(1)]))).rejects.toThrow(/stand alone/)
  })
})
