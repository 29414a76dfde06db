/**
 * Idempotent producers that have not been heard of for a month, and have long left the head, are forgotten (docs/decisions/0010): one
 * that comes back after that goes on as one that the partition has never heard of.
 */
import { type PartitionId, spilledProducersPk } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { all, equals, type Row } from '../store/items.ts'
import type { PartitionStep, Slice, StepOutcome } from './partition-step.ts'

/** Kafka's `producer.id.expiration.ms` is a day; a state costs next to nothing, and a surprise more. */
export const forgottenMs = 30 * 86_400_000
const lookEveryMs = 86_400_000
const rowsAPage = 200
const atOnce = 16

export const forgetProducers: PartitionStep = {
  name: 'forget producers',
  isDue: ({ head, upkeep }, nowMs) => head.spills > 0 && nowMs >= upkeep.producersMs,
  run: forgetPage,
}

async function forgetPage(core: Core, { id, upkeep, timeIsUp, figures }: Slice): Promise<StepOutcome> {
  const nowMs = core.clock.now()
  const pk = spilledProducersPk(id)
  for (let from: string | undefined = ' '; from !== undefined; ) {
    if (timeIsUp()) return { upkeep, more: true }
    const rows: readonly Row[] = await core.items.query({ pk, from, limit: rowsAPage })
    const idle = rows.filter(({ item }) => Number(item.at) < nowMs - forgottenMs)
    await inParallel(atOnce, idle, (row) => forget(core, id, row))
    figures.forgottenProducers += idle.length
    const last: Row | undefined = rows.at(-1)
    from = last && rows.length === rowsAPage ? `${last.sk}\0` : undefined
  }
  return { upkeep: { ...upkeep, producersMs: nowMs + lookEveryMs }, more: false }
}

/** Unless it has been back meanwhile. */
const forget = (core: Core, id: PartitionId, { sk, item }: Row) =>
  core.items.delete({ pk: spilledProducersPk(id), sk }, all(equals('at', Number(item.at)), equals('n', Number(item.n))))
