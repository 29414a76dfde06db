import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KafkaError } from '../../../src/protocol/errors.ts'
import { batchesIn, decodeBatch } from '../../../src/protocol/records/batch.ts'
import { decompress } from '../../../src/protocol/records/compression.ts'
import { crc32c } from '../../../src/protocol/records/crc32c.ts'
import { decompressFrames } from '../../../src/protocol/records/zstd/frame.ts'
import { batchOf, bytesOf } from './fixtures.ts'

const maxBytes = 1 << 20
const sources = [
  'odd',
  'odd-zstd',
  'transactional',
  'commit',
  'many-gzip',
  'many-snappy',
  'many-lz4',
  'many-zstd',
  'big-zstd',
]

/** Runs `attempt` and says what kind of thing came out. Anything but a result or a KafkaError is thrown on. */
async function outcome(attempt: () => unknown): Promise<'done' | 'refused'> {
  try {
    await attempt()
    return 'done'
  } catch (error) {
    if (error instanceof KafkaError) return 'refused'
    throw error
  }
}

const edits = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { minLength: 1, maxLength: 6 })

function edited(bytes: Uint8Array, changes: { at: number; byte: number }[]): Uint8Array {
  const copy = Uint8Array.from(bytes)
  for (const { at, byte } of changes) copy[at % copy.length] = byte
  return copy
}

describe('whatever happens to the bytes, the answer is records or a KafkaError', () => {
  it.each(sources)('cut off anywhere: %s', async (name) => {
    const bytes = batchOf(name)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        const part = bytes.subarray(0, length)
        expect(await outcome(() => decodeBatch(part))).toBe('refused')
        expect(await outcome(() => batchesIn(part))).toBe(length === 0 ? 'done' : 'refused')
      }),
      { numRuns: 100 },
    )
  })

  it.each(sources)('changed anywhere, with the CRC made right again: %s', async (name) => {
    const bytes = batchOf(name)
    await fc.assert(
      fc.asyncProperty(edits, async (changes) => {
        const broken = edited(bytes, changes)
        new DataView(broken.buffer).setUint32(17, crc32c(broken, 21))
        await outcome(() => decodeBatch(broken, { maxBytes }))
      }),
      { numRuns: 200 },
    )
  })

  it.each([
    ['snappy', 'raw.snappy'],
    ['lz4', 'every-checksum.lz4'],
    ['zstd', 'checksum.zst'],
    ['zstd', 'sized.zst'],
  ] as const)('in a compressed block: %s, %s', async (compression, file) => {
    const bytes = bytesOf(file)
    await fc.assert(
      fc.asyncProperty(edits, fc.nat(bytes.length), async (changes, length) => {
        await outcome(() => decompress(compression, edited(bytes, changes), maxBytes))
        if (length < bytes.length)
          expect(await outcome(() => decompress(compression, bytes.subarray(0, length), maxBytes))).toBe('refused')
      }),
      { numRuns: 300 },
    )
  })

  it('at once, even where a few bytes of zstd claim billions of repetitions', () => {
    // A block of eight bytes as they are, then one of no literals and 98,047 sequences, each table a single symbol.
    const frame = (matchSymbol: number) => {
      const block = [0x00, 0xff, 0xff, 0xff, 0x54, 0x00, 0x00, matchSymbol, 0x01]
      const stored = [8 << 3, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
      return Uint8Array.from([
        0x28,
        0xb5,
        0x2f,
        0xfd,
        0x00,
        0x58,
        ...stored,
        (block.length << 3) | 0b101,
        0,
        0,
        ...block,
      ])
    }
    expect(() => decompressFrames(frame(52), 1 << 26)).toThrow(/cut off/)
    expect(() => decompressFrames(frame(31), 1 << 26)).toThrow(/too long/)
  })

  it.each(['checksum.zst', 'sized.zst'])('without the zstd of Node too: %s', async (file) => {
    const bytes = bytesOf(file)
    await fc.assert(
      fc.asyncProperty(edits, (changes) =>
        outcome(() => decompressFrames(edited(bytes, changes), maxBytes)).then(() => {}),
      ),
      { numRuns: 300 },
    )
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('in noise that was never %s', async (compression) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), (noise) =>
        outcome(() => decompress(compression, noise, maxBytes)).then(() => {}),
      ),
      { numRuns: 300 },
    )
  })
})

describe('the limit on decompressed bytes', () => {
  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('holds to the byte: %s', async (compression) => {
    const packed = batchOf(`many-${compression}`).subarray(61)
    const size = batchOf('many-none').length - 61
    expect((await decompress(compression, packed, size)).length).toBe(size)
    await expect(decompress(compression, packed, size - 1)).rejects.toMatchObject({ error: 'MESSAGE_TOO_LARGE' })
  })
})
