/**
 * Ids of producers (KIP-98): unique in the cluster, never used again. Each process takes a block of them at a time; what it does
 * not use is lost, of 2^53.
 *
 *   producer ids item   v format   n the first id of the next block
 */
import type { Core } from '../runtime/core.ts'
import { add, setIfAbsent } from '../store/items.ts'
import { requireFormat } from './format.ts'
import { producerIdsKey } from './keys.ts'
import { untilDeadline } from './retry.ts'

const producerIdsFormat = 1
/** As Kafka's `ProducerIdsBlock`. */
const blockSize = 1_000

export type ProducerIds = {
  /** @throws StoreError */
  next(): Promise<number>
}

export function producerIds(core: Core): ProducerIds {
  let block = { next: 0, end: 0 }
  let taking: Promise<void> | undefined
  const take = async () => {
    block = await takeBlock(core)
  }
  return {
    async next() {
      while (block.next === block.end) {
        taking ??= take().finally(() => {
          taking = undefined
        })
        await taking
      }
      return block.next++
    },
  }
}

/** May be tried again freely: a block that was taken and not told of is lost. */
async function takeBlock(core: Core): Promise<{ next: number; end: number }> {
  const deadlineMs = core.clock.uptime() + core.settings.appendTimeoutMs
  const patches = [setIfAbsent('v', producerIdsFormat), add('n', blockSize)]
  const { item } = await untilDeadline(core, deadlineMs, () => core.items.update(producerIdsKey, { patches }))
  requireFormat('producer ids', producerIdsKey.pk, item?.v, producerIdsFormat)
  const end = Number(item?.n)
  return { next: end - blockSize, end }
}
