import { describe, expect, it } from 'vitest'
import {
  batchesIn,
  checkBatch,
  decodeBatch,
  encodeBatch,
  putOffsets,
  readBatchHeader,
  withLogAppendTime,
  withOffsets,
} from '../../../src/protocol/records/batch.ts'
import { decompress } from '../../../src/protocol/records/compression.ts'
import { decompressFrames } from '../../../src/protocol/records/zstd/frame.ts'
import { batchOf, bytesOf, foundByJava, printed } from './fixtures.ts'

const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const batches = [
  ...compressions.flatMap((name) => [`many-${name}`, `append-time-${name}`]),
  ...['big-gzip', 'big-snappy', 'big-lz4', 'big-zstd', 'zstd-level-19', 'words-zstd', 'odd', 'odd-zstd'],
  ...['broker-before', 'broker-after', 'idempotent', 'transactional', 'commit', 'abort'],
]

describe('a batch written by the Java client', () => {
  it.each(batches)('is read as Java reads it: %s', async (name) => {
    const bytes = batchOf(name)
    const java = foundByJava(name)
    expect(readBatchHeader(bytes)).toEqual(java.header)
    expect((await decodeBatch(bytes)).map(printed)).toEqual(java.records)
  })

  it.each(['many-none', 'odd'])('of plain records comes out of our encoder byte for byte: %s', async (name) => {
    const bytes = batchOf(name)
    expect(encodeBatch(await decodeBatch(bytes))).toEqual(bytes)
  })

  it.each(batches)('passes the check of its kind: %s', (name) => {
    const bytes = batchOf(name)
    if (name === 'commit' || name === 'abort') {
      expect(() => checkBatch(bytes)).toThrow('clients may not write control records')
      expect(checkBatch(bytes, 0, 'log').isControl).toBe(true)
    } else {
      expect(checkBatch(bytes).recordCount).toBe(foundByJava(name).header.recordCount)
    }
  })

  it('gets the same bytes from us as from a broker that appends it with its own time and offsets', () => {
    const before = batchOf('broker-before')
    const after = foundByJava('broker-after').header
    const ours = withLogAppendTime(
      withOffsets(before, after.baseOffset, after.partitionLeaderEpoch),
      after.maxTimestampMs,
    )
    expect(ours).toEqual(batchOf('broker-after'))
    expect(before).toEqual(batchOf('broker-before'))
  })

  it('is given its place in its own bytes as in a copy', () => {
    const whole = Buffer.concat([batchOf('odd'), batchOf('broker-before')])
    const ours = whole.subarray(batchOf('odd').length)
    const copy = withOffsets(ours, 2 ** 40 + 7, 12)
    expect(putOffsets(ours, 2 ** 40 + 7, 12)).toBe(ours)
    expect(new Uint8Array(ours)).toEqual(copy)
    expect(putOffsets(ours, 2 ** 40 + 7, 12)).toBe(ours)
    expect(new Uint8Array(whole)).toEqual(new Uint8Array(Buffer.concat([batchOf('odd'), copy])))
  })

  it('is found among others that surround it', async () => {
    const names = ['many-zstd', 'commit', 'odd']
    const found = batchesIn(Buffer.concat(names.map(batchOf)))
    expect(found).toEqual(names.map((name, index) => ({ ...foundByJava(name).header, at: found[index]?.at })))
    expect(found.map(({ at }) => at)).toEqual([
      0,
      batchOf('many-zstd').length,
      batchOf('many-zstd').length + batchOf('commit').length,
    ])
  })
})

describe('a compressed form that other clients write', () => {
  const content = batchOf('many-none').subarray(61)

  it.each([
    ['raw snappy without framing', 'snappy', 'raw.snappy'],
    ['lz4 with block checksums, content checksum and content size', 'lz4', 'every-checksum.lz4'],
    ['zstd that says its size', 'zstd', 'sized.zst'],
    ['zstd with a checksum', 'zstd', 'checksum.zst'],
  ] as const)('is read: %s', async (_, compression, file) => {
    expect(Buffer.from(await decompress(compression, bytesOf(file), content.length)).equals(content)).toBe(true)
  })

  it('is refused when a checksum inside it is wrong: lz4', async () => {
    const frame = bytesOf('every-checksum.lz4')
    for (const at of [4, 6, 14, 30, frame.length - 1]) {
      const broken = Uint8Array.from(frame)
      broken[at] = (broken[at] ?? 0) ^ 1
      await expect(decompress('lz4', broken, 1 << 20), `byte ${at}`).rejects.toMatchObject({ error: 'CORRUPT_MESSAGE' })
    }
  })

  it.each(['many-zstd', 'big-zstd', 'zstd-level-19', 'words-zstd', 'odd-zstd'])(
    'is read without the zstd of Node as with it: %s',
    async (name) => {
      const packed = batchOf(name).subarray(61)
      const unpacked = decompressFrames(packed, 1 << 20)
      expect(Buffer.from(await decompress('zstd', packed, 1 << 20)).equals(unpacked)).toBe(true)
      expect(decompressFrames(Buffer.concat([packed, packed]), 1 << 21).length).toBe(2 * unpacked.length)
    },
  )
})
