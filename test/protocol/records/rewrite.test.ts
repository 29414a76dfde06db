import { expect, test } from 'vitest'
import { decodeBatch, encodeBatch, readBatchHeader, withOffsets } from '../../../src/protocol/records/batch.ts'
import { compress, decompress } from '../../../src/protocol/records/compression.ts'
import { crc32c } from '../../../src/protocol/records/crc32c.ts'
import { compressions, layout, viewOf } from '../../../src/protocol/records/header.ts'
import { openBatch, rewriteBatch, skimRecords } from '../../../src/protocol/records/rewrite.ts'
import { decompressFrames } from '../../../src/protocol/records/zstd/frame.ts'

const packed = compressions.flatMap((name) => (name === 'none' ? [] : [name]))

/** What repeats, what does not, and lengths around the borders of blocks. */
function samples(): Uint8Array[] {
  let state = 7
  const noise = (count: number) =>
    Uint8Array.from({ length: count }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state >>> 16
    })
  const words = Buffer.from('{"customer":"one of many","state":"open"},'.repeat(9_000))
  const runs = [0, 1, 11, 12, 13, 64, 300, 70_000].map((count) => new Uint8Array(count).fill(65))
  const mixed = Buffer.concat([noise(40_000), words.subarray(0, 30_000), noise(70), words.subarray(3, 50_003)])
  return [...runs, words, mixed, noise(100_000), words.subarray(0, 65_536), words.subarray(0, 32_769)]
}

test.each(packed)('%s: what was compressed comes out as it was, and smaller where it repeats', async (name) => {
  for (const sample of samples()) {
    const bytes = await compress(name, sample)
    expect(Buffer.compare(await decompress(name, bytes, 1 << 24), sample)).toBe(0)
    if (name === 'zstd') expect(Buffer.compare(decompressFrames(bytes, 1 << 24), sample)).toBe(0)
  }
  const words = samples()[8] ?? new Uint8Array()
  const native = name !== 'zstd' || 'zstdCompress' in (await import('node:zlib'))
  if (native) expect((await compress(name, words)).length).toBeLessThan(words.length / 10)
})

const record = (at: number, value: string | null) => ({
  timestampMs: 1_000_000 + at * 7,
  key: at === 3 ? null : Buffer.from(`key ${at}`),
  value: value === null ? null : Buffer.from(value),
  headers: [{ key: 'h', value: Buffer.from([at]) }],
})

async function batchOf(compression: (typeof compressions)[number]): Promise<Uint8Array> {
  const plain = encodeBatch(Array.from({ length: 10 }, (_, at) => record(at, at % 4 === 1 ? null : `value ${at}`)))
  const block = plain.subarray(layout.records)
  const bytes = Buffer.concat([
    plain.subarray(0, layout.records),
    compression === 'none' ? block : await compress(compression, block),
  ])
  const view = viewOf(bytes)
  view.setInt32(layout.length, bytes.length - layout.partitionLeaderEpoch)
  view.setInt16(layout.attributes, compressions.indexOf(compression))
  view.setBigInt64(layout.producerId, 9n)
  view.setInt16(layout.producerEpoch, 2)
  view.setInt32(layout.baseSequence, 70)
  view.setUint32(layout.crc, crc32c(bytes, layout.attributes))
  return withOffsets(bytes, 5_000, 3)
}

test.each(compressions)('%s: of a batch some records stay, where and as they were', async (compression) => {
  const bytes = await batchOf(compression)
  const before = await decodeBatch(bytes)
  const opened = await openBatch(bytes)
  const seen: unknown[] = []
  skimRecords(opened, ({ offset, timestampMs, keyFrom, keyTo, isTombstone }) => {
    const key = keyFrom < 0 ? null : Buffer.from(opened.block.subarray(keyFrom, keyTo))
    seen.push({ offset, timestampMs, key, isTombstone })
    return true
  })
  expect(seen).toEqual(
    before.map(({ offset, timestampMs, key, value }) => ({
      ...{ offset, timestampMs, isTombstone: value === null },
      key: key && Buffer.from(key),
    })),
  )
  expect(await rewriteBatch(opened, () => true)).toBe(bytes)

  const some = await rewriteBatch(opened, ({ offset }) => offset % 3 === 0)
  expect(await decodeBatch(some)).toEqual(before.filter(({ offset }) => offset % 3 === 0))
  const after = readBatchHeader(some)
  expect(after).toMatchObject({
    ...{ compression, baseOffset: 5_000, lastOffsetDelta: 9, recordCount: 3 },
    ...{ producerId: 9, producerEpoch: 2, baseSequence: 70, maxTimestampMs: 1_000_000 + 7 * 7 },
  })

  const none = await rewriteBatch(opened, () => false)
  expect(none.length).toBe(layout.records)
  expect(await decodeBatch(none)).toEqual([])
  expect(readBatchHeader(none)).toMatchObject({ baseOffset: 5_000, lastOffsetDelta: 9, baseSequence: 70 })
})

test.each(compressions)(
  '%s: a batch that is told when its tombstones may go says so, and its times stay',
  async (compression) => {
    const bytes = await batchOf(compression)
    const before = await decodeBatch(bytes)
    for (const horizonMs of [0, 1_000_005, 2 ** 41, 2 ** 50]) {
      const marked = await rewriteBatch(await openBatch(bytes), ({ offset }) => offset !== 5_002, horizonMs)
      expect(readBatchHeader(marked)).toMatchObject({ deleteHorizonMs: horizonMs, recordCount: 9 })
      expect(await decodeBatch(marked)).toEqual(before.filter(({ offset }) => offset !== 5_002))
      const again = await rewriteBatch(await openBatch(marked), ({ offset }) => offset > 5_004)
      expect(readBatchHeader(again).deleteHorizonMs).toBe(horizonMs)
      expect(await decodeBatch(again)).toEqual(before.filter(({ offset }) => offset > 5_004))
    }
  },
)

test.each(compressions)(
  '%s: a batch that has lost all its records still tells how old it was, as in Kafka',
  async (compression) => {
    const empty = await rewriteBatch(await openBatch(await batchOf(compression)), () => false, 5)
    expect(readBatchHeader(empty)).toMatchObject({ recordCount: 0, maxTimestampMs: 1_000_000 + 9 * 7 })
    expect(await decodeBatch(empty)).toEqual([])
  },
)
