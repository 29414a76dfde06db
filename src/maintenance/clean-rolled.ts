/**
 * Cleaning up after rolls: what a segment was made of goes once nobody can be reading it any more, and the entry says so then. On
 * the way, chunks that somebody who slept has brought back within a segment go too.
 */
import { blobIdMs } from '../log/blob-id.ts'
import { type Chunk, entryKey } from '../log/chunk.ts'
import { isSegment, readEntryRow } from '../log/entry.ts'
import { indexFrom, indexPk, type PartitionId, segmentKey } from '../log/keys.ts'
import { objectKeyOf, type Segment } from '../log/segment.ts'
import { readFooter } from '../log/segment-object.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { equals, set } from '../store/items.ts'
import type { PartitionStep, Slice, StepOutcome } from './partition-step.ts'
import { graceMs } from './roll.ts'
import { removeSources } from './sources.ts'
import { stands } from './swap.ts'
import { never, type Upkeep } from './upkeep.ts'

const rowsAPage = 50

export const cleanRolled: PartitionStep = {
  name: 'clean',
  isDue: ({ upkeep }, nowMs) => nowMs >= upkeep.cleanMs,
  run: cleanPage,
}

async function cleanPage(core: Core, slice: Slice): Promise<StepOutcome> {
  const { id, upkeep, figures, timeIsUp } = slice
  const from = Math.max(upkeep.cleaned, 0)
  const rows = await core.items.query({ pk: indexPk(id), from: indexFrom(from), limit: rowsAPage })
  let cleaned = from
  const stopped = (cleanMs: number, more = false): StepOutcome => ({ upkeep: { ...upkeep, cleaned, cleanMs }, more })
  for (const row of rows) {
    const entry = readEntryRow(id, row)
    if (!isSegment(entry)) {
      // Beyond the last segment are the chunks that count.
      if (entry.base >= cleaned && !(await isRolled(core, id, entry))) {
        return entry.end > upkeep.rolled ? stopped(never) : rollAgain(upkeep, cleaned, entry)
      }
      await core.items.delete(entryKey(id, entry), equals('e', entry.end))
      continue
    }
    const dueMs = blobIdMs(entry.object) + graceMs
    if (!entry.cleaned && dueMs > core.clock.now()) return stopped(dueMs)
    if (timeIsUp()) return stopped(upkeep.cleanMs, true)
    if (!entry.cleaned) figures.deletedBlobs += await cleanUp(core, id, entry)
    cleaned = entry.end
  }
  return rows.length < rowsAPage ? stopped(never) : stopped(upkeep.cleanMs, true)
}

/** Large chunks were left aside once: everything behind them waits for their segments. */
function rollAgain(upkeep: Upkeep, cleaned: number, { base }: Chunk): StepOutcome {
  const [rolled, merged, compacted] = [base, Math.min(upkeep.merged, base), Math.min(upkeep.compacted, base)]
  return { upkeep: { ...upkeep, cleaned, rolled, merged, compacted }, more: true }
}

/** At a segment's own base the chunk comes first. */
const isRolled = async (core: Core, id: PartitionId, { base }: Chunk): Promise<boolean> =>
  (await core.items.get(segmentKey(id, base))) !== undefined

async function cleanUp(core: Core, id: PartitionId, segment: Segment): Promise<number> {
  const footer = await readFooter(core, id, segment)
  if (!footer) {
    if (!(await stands(core, id, segment))) return 0
    throw new StoreError('misconfigured', `the segment ${objectKeyOf(id, segment)} is gone`)
  }
  const removed = await removeSources(core, id, footer.sources)
  await core.items.update(segmentKey(id, segment.base), {
    patches: [set('f', 1)],
    if: equals('o', segment.object),
  })
  return removed
}
