/** Looking for records that an idempotent producer has sent before: newest first, in the tail and then in the newest entries. */
import type { Core } from '../runtime/core.ts'
import { readEntryRow } from './chunk.ts'
import { type Head, recordsIn, tailRefs } from './head.ts'
import { indexPk, indexUpTo, type PartitionId } from './keys.ts'
import type { ProducerRun } from './producer-state.ts'
import type { Ref } from './ref.ts'

/** Page by page: most repetitions come at once, and whoever shares a busy partition with hundreds may be far behind. */
const pages = [8, 64, 512] as const

export type FoundRun = { readonly baseOffset: number; readonly found: Ref }

/** `undefined`: it lies further back than is looked. */
export async function findRun(
  core: Core,
  id: PartitionId,
  head: Head,
  run: ProducerRun,
  count: number,
): Promise<FoundRun | undefined> {
  const inTail = among(tailRefs(head), head.tailStart, run, count)
  if (inTail) return inTail
  let upTo = head.tailStart - 1
  for (const limit of pages) {
    if (upTo < 0) return undefined
    const rows = await core.items.query({ pk: indexPk(id), to: indexUpTo(upTo), reverse: true, limit })
    for (const row of rows) {
      const entry = readEntryRow(id, row)
      const found = among(entry.refs, entry.base, run, count)
      if (found) return found
      upTo = entry.base - 1
    }
    if (rows.length < limit) return undefined
  }
  return undefined
}

/** The last one of those that match: sequences come round again. */
function among(refs: readonly Ref[], base: number, run: ProducerRun, count: number): FoundRun | undefined {
  const at = refs.findLastIndex(({ producer, count: has }) => producer && has === count && isSame(producer, run))
  const found = refs[at]
  return found && { baseOffset: base + recordsIn(refs.slice(0, at)), found }
}

const isSame = (a: ProducerRun, b: ProducerRun): boolean =>
  a.id === b.id && a.epoch === b.epoch && a.firstSequence === b.firstSequence
