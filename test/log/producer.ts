import { type Appended, append } from '../../src/log/append.ts'
import type { Topic } from '../../src/log/topics.ts'
import { crc32c } from '../../src/protocol/records/crc32c.ts'
import { layout } from '../../src/protocol/records/header.ts'
import type { Core } from '../../src/runtime/core.ts'
import { batchOf, failure, only } from './core.ts'

export type Sent = {
  readonly producer: number
  readonly epoch?: number
  readonly sequence: number
  readonly values: readonly string[]
  readonly timestampMs?: number
}

/** A batch as an idempotent producer sends it. */
export function producerBatch({ producer, epoch = 0, sequence, values, timestampMs }: Sent): Uint8Array {
  const batch = batchOf(values, timestampMs)
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength)
  view.setBigInt64(layout.producerId, BigInt(producer))
  view.setInt16(layout.producerEpoch, epoch)
  view.setInt32(layout.baseSequence, sequence)
  view.setUint32(layout.crc, crc32c(batch, layout.attributes, batch.length))
  return batch
}

/** Sends one batch to partition 0 and gives its base offset, or the name of the error. */
export async function sendAs(core: Core, topic: Topic, sent: Sent): Promise<number | string> {
  const outcome = only(await append(core, topic, [{ partition: 0, records: producerBatch(sent) }]))
  return 'error' in outcome ? failure(outcome) : (outcome satisfies Appended).baseOffset
}
