/** A rolled segment: its object there and as long as the entry says, its footer true, and in a deep look every batch in its place. */
import { objectKeyOf, type Segment, segmentHeaderBytes, spansOf } from '../log/segment.ts'
import { readFooter } from '../log/segment-object.ts'
import type { Span } from '../log/spans.ts'
import { checkBatch } from '../protocol/records/batch.ts'
import type { Core } from '../runtime/core.ts'
import { type Look, readable } from './look.ts'

/** Bytes of a segment read at once. */
const readBytes = 4 * 1024 * 1024

/** @throws StoreError where the store cannot be read. */
export async function lookAtSegment(core: Core, look: Look, segment: Segment): Promise<void> {
  const { base, end } = segment
  const key = objectKeyOf(look.id, segment)
  look.looked.offsets += end - base
  look.looked.bytes += segment.bytes
  if (segment.maxTimestampMs > segment.runningTimestampMs) {
    const says = `the segment at ${base} has the running timestamp ${segment.runningTimestampMs}, and its own is ${segment.maxTimestampMs}`
    look.find(`timestamp ${base}`, says)
  }
  const last = await core.objects.get(key, { start: segment.objectBytes - 1, end: segment.objectBytes + 1 })
  if (!last) {
    look.missing.add(key)
    return look.find(`segment ${base}`, `the object ${key} is missing`)
  }
  if (last.length !== 1) {
    return look.find(
      `segment ${base}`,
      `the object ${key} has not the ${segment.objectBytes} bytes that its entry says`,
    )
  }
  const footer = await readable(look, `the footer of ${key}`, () => readFooter(core, look.id, segment))
  if (footer && (footer.base !== base || footer.end !== end)) {
    look.find(
      `footer ${base}`,
      `the object ${key} is of offsets ${footer.base} to ${footer.end}, not ${base} to ${end}`,
    )
  }
  const spans = await readable(look, `the spans of the segment at ${base}`, async () => spansOf(segment))
  if (!spans || !lookAtSpans(look, segment, spans) || !look.deep) return
  let run: Span[] = []
  for (const [at, span] of spans.entries()) {
    run.push(span)
    const next = spans[at + 1]
    if (next && next.to - (run[0]?.from ?? 0) <= readBytes) continue
    await readable(look, `the batches from offset ${run[0]?.base} on in ${key}`, () => lookAtBatches(core, key, run))
    run = []
  }
}

/** Whether they cover what the entry says, one after the other: `spansOf` places each where the last one ended. */
function lookAtSpans(look: Look, segment: Segment, spans: readonly Span[]): boolean {
  const { base, end, bytes, maxTimestampMs } = segment
  const last = spans.at(-1)
  const reached = {
    end: last?.end ?? base,
    to: last?.to ?? segmentHeaderBytes,
    timestampMs: last?.runningTimestampMs ?? -1,
  }
  // Compaction may leave offsets without a batch, and a segment without any.
  if (reached.to !== segmentHeaderBytes + bytes) {
    look.find(
      `spans ${base}`,
      `the spans of the segment at ${base} have ${reached.to - segmentHeaderBytes} bytes, not ${bytes}`,
    )
    return false
  }
  if (spans.length > 0 && reached.end !== end) {
    look.find(`spans ${base}`, `the spans of the segment at ${base} end at ${reached.end}, not ${end}`)
    return false
  }
  if (reached.timestampMs !== maxTimestampMs) {
    const says = `the spans of the segment at ${base} reach the timestamp ${reached.timestampMs}, not ${maxTimestampMs}`
    look.find(`spans ${base}`, says)
  }
  return true
}

/** Throws what is wrong with them, in words. */
async function lookAtBatches(core: Core, key: string, spans: readonly Span[]): Promise<void> {
  const [first, last] = [spans[0], spans.at(-1)]
  if (!first || !last) return
  const bytes = await core.objects.get(key, { start: first.from, end: last.to })
  if (bytes?.length !== last.to - first.from) throw new Error(`there are only ${bytes?.length ?? 0} bytes`)
  for (const span of spans) {
    let reached = span.base
    let at = span.from - first.from
    for (const to = span.to - first.from; at < to; ) {
      const header = checkBatch(bytes, at, 'log')
      const { baseOffset, lastOffsetDelta, maxTimestampMs, totalBytes } = header
      if (baseOffset < reached)
        throw new Error(`a batch begins at ${baseOffset}, and the one before it ends at ${reached}`)
      reached = baseOffset + lastOffsetDelta + 1
      if (reached > span.end) throw new Error(`a batch ends at ${reached}, and its span at ${span.end}`)
      if (maxTimestampMs > span.runningTimestampMs) {
        throw new Error(`a batch has the timestamp ${maxTimestampMs}, and its span ${span.runningTimestampMs}`)
      }
      at += totalBytes
    }
    if (at !== span.to - first.from) throw new Error(`a batch runs over the end of its span, ${span.to}`)
  }
}
