/**
 * Whether an idempotent producer's records come next in a partition (docs/decisions/0010). The append's own condition decides;
 * here is what it may be told beforehand, and what a refusal means.
 */
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { type FoundRun, findRun } from './find-run.ts'
import type { Head } from './head.ts'
import { type PartitionId, partitionText } from './keys.ts'
import {
  type Absence,
  type ProducerRun,
  type ProducerState,
  producerAttribute,
  type Standing,
  standingOf,
  unpackProducer,
} from './producer-state.ts'
import { readSpilled } from './spilled-producers.ts'

const partitionsRemembered = 1_000
const beginningsRemembered = 10_000
/** Longer than clients go on sending a batch again, as of `spill-producers.ts`. */
const beginningMs = 10 * 60_000

/**
 * OUT_OF_ORDER_SEQUENCE_NUMBER for a producer that the partition does not know, and whose beginning has not come by in this process:
 * its topic was created anew, or it was silent for so long that it was forgotten.
 */
export class UnknownProducer extends KafkaError {
  readonly logStartOffset: number

  constructor(message: string, logStartOffset: number) {
    super('OUT_OF_ORDER_SEQUENCE_NUMBER', message)
    this.logStartOffset = logStartOffset
  }
}

/** Remembers what a head says of its producers: it saves refusals, and decides nothing. */
export function sawProducers(core: Core, id: PartitionId, { next, producers, spills }: Head): void {
  const { producers: seen } = core.memory
  const key = partitionText(id)
  if ((seen.get(key)?.next ?? -1) > next) return
  seen.delete(key)
  if (producers.size > 0 || spills > 0) seen.set(key, { next, producers, spills })
  for (const oldest of seen.keys()) {
    if (seen.size <= partitionsRemembered) break
    seen.delete(oldest)
  }
}

const beginningOf = (id: PartitionId, { id: producer, epoch }: ProducerRun): string =>
  `${partitionText(id)}/${producer}/${epoch}`

/** Remembers that a sequence begins here, whatever becomes of these records: what follows them is not a stranger's. */
function sawBeginning(core: Core, id: PartitionId, run: ProducerRun): void {
  if (run.firstSequence !== 0) return
  const { beginnings } = core.memory
  const key = beginningOf(id, run)
  beginnings.delete(key)
  beginnings.set(key, core.clock.uptime())
  for (const oldest of beginnings.keys()) {
    if (beginnings.size <= beginningsRemembered) break
    beginnings.delete(oldest)
  }
}

function mayHaveBegun(core: Core, id: PartitionId, run: ProducerRun): boolean {
  const atMs = core.memory.beginnings.get(beginningOf(id, run))
  return atMs !== undefined && core.clock.uptime() - atMs < beginningMs
}

/**
 * Before an append of these records: what is known should the head not hold the producer. Reads at most its spilled state, and
 * only where the head did not hold it when last seen. The count of spills was seen before that state is read, never after: a spill
 * in between makes the append fail, instead of going by a state that is no longer true.
 */
export async function absenceKnown(
  core: Core,
  id: PartitionId,
  run: ProducerRun,
  count: number,
): Promise<Absence | undefined> {
  sawBeginning(core, id, run)
  const seen = core.memory.producers.get(partitionText(id))
  if (seen?.producers.has(producerAttribute(run.id))) return undefined
  const spills = seen?.spills ?? 0
  try {
    const state = spills === 0 ? undefined : await readSpilled(core, id, run.id)
    return standingOf(state, run, count) === 'next' ? { spills } : undefined
  } catch (error) {
    // The append's own refusal will ask again.
    if (error instanceof StoreError && error.retriable) return undefined
    throw error
  }
}

/** What the head said of a producer's records that it refused. */
export type Judgement =
  /** They come next, and were refused for another reason. */
  | 'next'
  /** They come next, as far as is known where the head does not hold the producer: to be sent again with this. */
  | { readonly absence: Absence }
  /** They are in the log already. */
  | FoundRun
  | { readonly error: KafkaError }

/**
 * @param known what the refused append was told.
 * @throws StoreError
 */
export async function judge(
  core: Core,
  id: PartitionId,
  run: ProducerRun,
  count: number,
  head: Head,
  known: Absence | undefined,
): Promise<Judgement> {
  const active = head.producers.get(producerAttribute(run.id))
  const state = active ? unpackProducer(active, core.clock.now()) : await stateElsewhere(core, id, head, run.id)
  const standing = standingOf(state, run, count)
  if (standing === 'next')
    return active || known?.spills === head.spills ? 'next' : { absence: { spills: head.spills } }
  const found = standing === 'duplicate' ? await findRun(core, id, head, run, count) : undefined
  if (found) return found
  const error = refusal(standing, run, state)
  const isStranger = standing === 'unknown producer' && !mayHaveBegun(core, id, run)
  return { error: isStranger ? new UnknownProducer(error.message, head.start) : error }
}

const stateElsewhere = async (core: Core, id: PartitionId, { spills }: Head, producer: number) =>
  spills === 0 ? undefined : readSpilled(core, id, producer)

function refusal(standing: Exclude<Standing, 'next'>, run: ProducerRun, state: ProducerState | undefined): KafkaError {
  const sent = `producer ${run.id} sent the sequence ${run.firstSequence} of epoch ${run.epoch}`
  const stands = state ? `it stands at ${state.lastSequence} of epoch ${state.epoch}` : 'it has sent nothing here yet'
  switch (standing) {
    case 'duplicate':
      return new KafkaError('DUPLICATE_SEQUENCE_NUMBER', `${sent}, which is in the log already: ${stands}`)
    case 'old epoch':
      return new KafkaError('INVALID_PRODUCER_EPOCH', `${sent}: ${stands}`)
    case 'gap':
    case 'unknown producer':
      return new KafkaError('OUT_OF_ORDER_SEQUENCE_NUMBER', `${sent}: ${stands}`)
  }
}
