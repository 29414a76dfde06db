import { describe, expect, it } from 'vitest'
import { murmur2, partitionForKey } from '../../../src/protocol/murmur2.ts'
import { crc32c } from '../../../src/protocol/records/crc32c.ts'
import { xxh32 } from '../../../src/protocol/records/xxh32.ts'
import { murmur2Vectors } from './fixtures.ts'

describe('CRC-32C', () => {
  it('has the values of RFC 3720, appendix B.4', () => {
    expect(crc32c(new Uint8Array())).toBe(0)
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at))).toBe(0x46dd794e)
  })

  it('covers exactly the range it is given', () => {
    const bytes = Buffer.from('xx123456789yyy')
    expect(crc32c(bytes, 2, 11)).toBe(0xe3069283)
    expect(crc32c(bytes.subarray(2), 0, 9)).toBe(0xe3069283)
    expect(() => crc32c(bytes, 2, 99)).toThrow(RangeError)
  })

  it('is the same wherever bytes lie in memory, and for every length', () => {
    const bytes = Uint8Array.from({ length: 200 }, (_, at) => (at * 167) ^ (at >>> 2))
    for (let length = 0; length <= 150; length++) {
      for (let start = 0; start < 20; start++) {
        expect(crc32c(bytes.subarray(1), start, start + length)).toBe(bitByBit(bytes, 1 + start, 1 + start + length))
      }
    }
  })
})

/** The definition: a remainder of polynomials. */
function bitByBit(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1
  for (const byte of bytes.subarray(start, end)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

describe('murmur2', () => {
  it('agrees with the Java client on keys of every length from 0 to 64', () => {
    const vectors = murmur2Vectors()
    expect(new Set(vectors.map(([hex]) => hex.length / 2)).size).toBe(65)
    for (const [hex, hash, ofTwelve] of vectors) {
      const key = Buffer.from(hex, 'hex')
      expect(murmur2(key)).toBe(hash)
      expect(partitionForKey(key, 12)).toBe(ofTwelve)
    }
  })

  it('finds no partition among none', () => {
    expect(() => partitionForKey(new Uint8Array(1), 0)).toThrow(RangeError)
  })
})

describe('XXH32', () => {
  it('has the published values', () => {
    expect(xxh32(new Uint8Array())).toBe(0x02cc5d05)
    expect(xxh32(Buffer.from('abc'))).toBe(0x32d153ff)
    expect(xxh32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f)
  })
})
