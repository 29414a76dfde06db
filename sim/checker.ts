/**
 * Judges a history: every promise that it shows broken, nothing that it merely cannot prove kept. It knows what clients sent, saw
 * and committed, and nothing of how Millrace works.
 *
 * What the recorder owes it:
 * - Events stand in the order of their answers; a client does one call at a time (see `checks/facts.ts`), and an answer that comes
 *   after its client gave up is not recorded.
 * - A value belongs to one batch. A batch is sent again only idempotently, as another attempt with the same values.
 * - A fetch has room for all partitions it asks for: one left out for lack of room is not recorded as an empty `read`.
 * - `final` comes once all calls have ended. The append that proves `appendable` is recorded like any other, before what it is
 *   seen in, or leaves nothing behind. `orphans` comes last of all.
 */
import { checkBatches } from './checks/batches.ts'
import { checkBounds } from './checks/bounds.ts'
import { checkBrokers } from './checks/brokers.ts'
import { checkCommits } from './checks/commits.ts'
import { checkCompacted } from './checks/compacted.ts'
import { factsOf } from './checks/facts.ts'
import { checkFinal } from './checks/final.ts'
import { checkGenerations } from './checks/generations.ts'
import { checkKept } from './checks/kept.ts'
import { checkLeaders } from './checks/leaders.ts'
import { checkMemberCommits } from './checks/member-commits.ts'
import { checkReads } from './checks/reads.ts'
import { checkSettled } from './checks/settled.ts'
import { checkTimes } from './checks/times.ts'
import { checkValues } from './checks/values.ts'
import type { Anomaly, History } from './history.ts'

const groupChecks = [checkGenerations, checkMemberCommits, checkSettled]
const checks = [
  checkFinal,
  checkValues,
  checkBatches,
  checkBounds,
  checkReads,
  checkCommits,
  checkTimes,
  checkKept,
  checkCompacted,
  ...groupChecks,
  checkLeaders,
  checkBrokers,
]

/**
 * Each broken promise once for each batch or answer it was broken for; none for a sound history. Pure.
 * @throws Error where the recorder contradicts itself.
 */
export function check(history: History): readonly Anomaly[] {
  const facts = factsOf(history)
  return checks.flatMap((look) => look(facts))
}
