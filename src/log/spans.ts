/**
 * A segment's sparse index: where its batches lie, in at most 256 spans of whole batches, so that it rides in the index entry
 * whatever the segment's size. Packed, for each span: varints of its length in bytes, how many offsets it takes up to where the
 * next begins, and the greatest timestamp up to its end (zigzag, ms, as the difference from the span before; the first from 0).
 */
import { packer, unpacker } from './packing.ts'

const spansMax = 256
/** Below this a span would save nothing: a read of it takes as long as one of less. */
const spanBytesMin = 64 * 1024

/** Whole batches of a segment, half open: offsets `base` to `end - 1`, bytes `from` to `to - 1` of the object. */
export type Span = {
  readonly base: number
  readonly end: number
  readonly from: number
  readonly to: number
  /** Greatest timestamp in this span and those before it in the segment. */
  readonly runningTimestampMs: number
}

export type SpanWriter = {
  /** The next batch: in order, each once. */
  add(batch: { readonly baseOffset: number; readonly bytes: number; readonly maxTimestampMs: number }): void
  /** `end`: where the segment ends. */
  done(end: number): Uint8Array
}

/** `base`: where the segment begins. `bytesMost`: what its batches will take at most. */
export function spanWriter(base: number, bytesMost: number): SpanWriter {
  const spanBytes = Math.max(spanBytesMin, Math.ceil(bytesMost / spansMax))
  const out = packer(1024)
  let spanBase = base
  let bytes = 0
  let packedTimestampMs = 0
  let runningTimestampMs = -1
  const close = (end: number) => {
    out.uint(bytes)
    out.uint(end - spanBase)
    out.int(runningTimestampMs - packedTimestampMs)
    packedTimestampMs = runningTimestampMs
    spanBase = end
    bytes = 0
  }
  return {
    add(batch) {
      if (bytes >= spanBytes) close(batch.baseOffset)
      bytes += batch.bytes
      runningTimestampMs = Math.max(runningTimestampMs, batch.maxTimestampMs)
    },
    done(end) {
      if (bytes > 0) close(end)
      return out.done()
    },
  }
}

/** `at`: where the first batch begins in the object. */
export function readSpans(packed: Uint8Array, base: number, at: number): Span[] {
  const from = unpacker(packed)
  const spans: Span[] = []
  let [spanBase, position, runningTimestampMs] = [base, at, 0]
  while (from.left > 0) {
    const [bytes, offsets] = [from.uint(), from.uint()]
    runningTimestampMs += from.int()
    spans.push({
      base: spanBase,
      end: spanBase + offsets,
      from: position,
      to: position + bytes,
      runningTimestampMs,
    })
    spanBase += offsets
    position += bytes
  }
  return spans
}
