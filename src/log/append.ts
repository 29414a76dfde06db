/**
 * Appending a request: check it, store its bytes, then one conditional update of each partition's head (data first, so that no
 * reader ever sees an offset whose data is not there). Partitions of one request share a blob; each is appended and answered
 * on its own.
 */
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { type Admitted, admit } from './admit.ts'
import { appendRef, type Verdict } from './append-ref.ts'
import { type Blob, storeBlob } from './blob.ts'
import { ttlOf } from './blob-ttl.ts'
import type { Head, LedPartition } from './head.ts'
import type { PartitionId } from './keys.ts'
import { partitionText } from './keys.ts'
import type { Absence } from './producer-state.ts'
import { absenceKnown } from './producers.ts'
import type { Ref } from './ref.ts'
import { mustSpill, spill } from './spill.ts'
import { spillProducers, tooManyProducers } from './spill-producers.ts'
import { horizonAheadMsMax, nextStamp, type Stamp, sawStamp, stampAheadMsMax, stampAt } from './stamp.ts'
import { configValue } from './topic-configs.ts'
import { findTopic, raiseEra, requirePartition, type Topic, unknownTopic } from './topics.ts'

/**
 * One or more RecordBatch v2, one after the other, for one partition. `leaderEpoch`: in which the broker that was asked leads it; its
 * append is refused (NOT_LEADER_OR_FOLLOWER) where another has led since.
 */
export type NewBatches = { readonly partition: number; readonly records: Uint8Array; readonly leaderEpoch?: number }

export type Appended = {
  readonly partition: number
  readonly baseOffset: number
  /** The log's own timestamp where the topic is of LogAppendTime, else -1. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
}
/** `sameTopicOnly`: never to another topic that bears the name by now. */
export type AppendOptions = { readonly sameTopicOnly?: boolean }
export type AppendOutcome = Appended | { readonly partition: number; readonly error: KafkaError }

/** What has been checked and waits to be appended. */
export type Ready = { readonly id: LedPartition; readonly admitted: Admitted }

/**
 * Appends to each partition, each at most once in the request. Outcomes stand in the order asked. An error's name says what is
 * certain: REQUEST_TIMED_OUT means that the records may or may not be in the log, DUPLICATE_SEQUENCE_NUMBER that they are since an
 * earlier request of their producer, every other one that they are not.
 */
export async function append(
  core: Core,
  topic: Topic,
  requests: readonly NewBatches[],
  { sameTopicOnly = false }: AppendOptions = {},
): Promise<readonly AppendOutcome[]> {
  const isLed = requests.some(({ leaderEpoch }) => leaderEpoch !== undefined)
  const mayMove = (now: Topic | undefined) => now !== undefined && !((sameTopicOnly || isLed) && now.id !== topic.id)
  const missing = requests.some(({ partition }) => partition >= topic.partitions)
  const found = missing ? await findTopic(core, topic.name) : undefined
  const grown = mayMove(found) ? found : undefined
  const outcomes = await appendOver(core, grown ?? topic, requests)
  const fenced = outcomes.some((outcome) => 'error' in outcome && outcome.error.error === 'UNKNOWN_TOPIC_OR_PARTITION')
  if (!fenced || sameTopicOnly) return outcomes
  // The topic may have been created anew since this process last saw it.
  const now = await findTopic(core, topic.name)
  if (!now || now.id === (grown ?? topic).id) return outcomes
  // Who leads the other topic's partitions, and in which epoch, is for the client to ask.
  return isLed ? outcomes.map(ledElsewhere) : appendOver(core, now, requests)
}

function ledElsewhere(outcome: AppendOutcome): AppendOutcome {
  if (!('error' in outcome && outcome.error.error === 'UNKNOWN_TOPIC_OR_PARTITION')) return outcome
  const error = new KafkaError('NOT_LEADER_OR_FOLLOWER', 'the topic was created anew: ask for its leaders')
  return { partition: outcome.partition, error }
}

async function appendOver(
  core: Core,
  topic: Topic,
  requests: readonly NewBatches[],
): Promise<readonly AppendOutcome[]> {
  const deadlineMs = core.clock.uptime() + core.settings.appendTimeoutMs
  const checked = await Promise.all(
    requests.map((request) => outcomeOf(request.partition, check(core, topic, request))),
  )
  const ready = checked.flatMap((result) => ('admitted' in result ? [result] : []))
  const [refs, known] = await Promise.all([
    firstRefs(core, topic, ready, deadlineMs),
    Promise.all(ready.map(({ id, admitted }) => knownOf(core, id, admitted))),
  ])
  return Promise.all(
    checked.map(async (result, at) => {
      const partition = requests[at]?.partition ?? -1
      if ('error' in result) return result
      const place = ready.indexOf(result)
      const ref = refs instanceof KafkaError ? refs : refs[place]
      if (!ref || ref instanceof KafkaError) return { partition, error: ref ?? unknownTopic(topic.name) }
      return outcomeOf(partition, appendReady(core, topic, result, ref, deadlineMs, known[place]))
    }),
  )
}

/** While the bytes are being stored: what a round trip would be needed for afterwards. */
export const knownOf = async (
  core: Core,
  id: PartitionId,
  { producer, count }: Admitted,
): Promise<Absence | undefined> => producer && absenceKnown(core, id, producer, count)

async function outcomeOf<T>(
  partition: number,
  work: Promise<T>,
): Promise<T | { partition: number; error: KafkaError }> {
  try {
    return await work
  } catch (error) {
    if (error instanceof KafkaError) return { partition, error }
    throw error
  }
}

/** @throws KafkaError as `requirePartition` and `admit` do. */
export async function check(core: Core, topic: Topic, { partition, records, leaderEpoch }: NewBatches): Promise<Ready> {
  requirePartition(topic, partition)
  const admitted = await admit(topic.overrides, records, core.clock.now())
  return { id: { topicId: topic.id, partition, ...(leaderEpoch === undefined ? {} : { leaderEpoch }) }, admitted }
}

/**
 * Stores the bytes of all portions together and makes a ref for each; an error where they could not be stored. `forgettable`: the
 * refs are sent under the version of the configs that `topic` has.
 */
export async function firstRefs(
  core: Core,
  topic: Topic,
  ready: readonly Ready[],
  deadlineMs: number,
  forgettable = true,
): Promise<readonly Ref[] | KafkaError> {
  if (ready.length === 0) return []
  const portions = ready.map(({ id, admitted }) => ({ id, records: admitted.records }))
  try {
    const stored = ready.map(({ admitted: { maxTimestampMs } }) => ({ topic, maxTimestampMs }))
    const blob = await storeBlob(core, topic.era, portions, deadlineMs, forgettable ? ttlOf(core, stored) : undefined)
    const stamp = Math.min(nextStamp(core, topic.era), blob.lastStamp)
    return ready.map(({ admitted }, at) => refTo(topic, blob, at, admitted, stamp))
  } catch (error) {
    if (error instanceof StoreError) return notApplied(error)
    throw error
  }
}

/** The ref of a blob's portion. */
export function refTo(topic: Topic, blob: Blob, at: number, admitted: Admitted, stamp: Stamp): Ref {
  if (stamp < blob.firstStamp)
    throw new StoreError('unavailable', 'the clock was set back by hours: nothing was appended')
  return refUnder(topic, blob, at, admitted, stamp)
}

const refUnder = (topic: Topic, blob: Blob, at: number, admitted: Admitted, stamp: Stamp): Ref => ({
  id: blob.id,
  stamp,
  place: blob.place,
  position: blob.place === 'inline' ? 0 : (blob.positions[at] ?? 0),
  length: admitted.records.length,
  count: admitted.count,
  maxTimestampMs: admitted.maxTimestampMs,
  ...(admitted.producer ? { producer: admitted.producer } : {}),
  ...(blob.place === 'inline' ? { data: admitted.records } : {}),
  ...(blob.forgetsItself ? { ttlVersion: topic.configVersion } : {}),
})

/** How often one append may be sent under a new name before it gives up. */
const namesMax = 16

/** Settles the records, and makes room for the next. @throws KafkaError see `append`. */
export async function appendReady(...records: Parameters<typeof settle>): Promise<Appended> {
  const [core, topic, ready] = records
  const { ref, verdict } = await settle(...records)
  return answer(core, topic, ready.id, ref, verdict)
}

/**
 * What became of the records, and the name that they have by now. `onItsWay`: as of `appendRef`. No room is made for the next.
 * @throws KafkaError see `append`.
 */
export async function settle(
  core: Core,
  topic: Topic,
  ready: Ready,
  first: Ref,
  deadlineMs: number,
  known: Absence | undefined,
  onItsWay?: StoreError,
): Promise<{ readonly ref: Ref; readonly verdict: Exclude<Verdict, { verdict: 'too-late' }> }> {
  let ref = first
  for (let name = 1; ; name++) {
    const verdict = await appendRef(core, ready.id, ref, deadlineMs, known, name === 1 ? onItsWay : undefined)
    if (verdict.verdict !== 'too-late') return { ref, verdict }
    if (name === namesMax || core.clock.uptime() >= deadlineMs) throw tooBusy()
    ref = await renamed(core, topic, ready, verdict.horizon, deadlineMs)
  }
}

/**
 * The same records under a new name, with a stamp beyond the horizon. `forgettable`: as of `firstRefs`.
 * @throws KafkaError where no such stamp may be given yet.
 */
export async function renamed(
  core: Core,
  topic: Topic,
  ready: Ready,
  horizon: Stamp,
  deadlineMs: number,
  forgettable = true,
): Promise<Ref> {
  const nowMs = core.clock.now()
  const latest = stampAt(topic.era, nowMs + stampAheadMsMax)
  if (horizon >= latest) {
    if (horizon >= stampAt(topic.era, nowMs + horizonAheadMsMax)) await untilRaised(core, topic)
    throw new KafkaError('KAFKA_STORAGE_ERROR', 'the partition was last written by a clock that runs ahead: try again')
  }
  const refs = await firstRefs(core, topic, [ready], deadlineMs, forgettable)
  if (refs instanceof KafkaError) throw refs
  const [ref] = refs
  if (!ref) throw tooBusy()
  const stamp = Math.max(ref.stamp, horizon + 1)
  sawStamp(core, stamp)
  return { ...ref, stamp }
}

/** The caller tries again in any case; whoever comes next raises it otherwise. */
async function untilRaised(core: Core, topic: Topic): Promise<void> {
  try {
    await raiseEra(core, topic)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
  }
}

/**
 * What a verdict means to the caller; spills where this append has to.
 * @throws KafkaError see `append`.
 */
export async function answer(
  core: Core,
  topic: Topic,
  id: PartitionId,
  ref: Ref,
  verdict: Exclude<Verdict, { verdict: 'too-late' }>,
): Promise<Appended> {
  const appended = meant(core, topic, id, ref, verdict)
  if (verdict.verdict === 'appended') await makeRoom(core, id, verdict.head, 1, verdict.joined ? 1 : 0)
  return appended
}

/**
 * What a verdict means to the caller.
 * @throws KafkaError see `append`.
 */
export function meant(
  core: Core,
  topic: Topic,
  id: PartitionId,
  ref: Ref,
  verdict: Exclude<Verdict, { verdict: 'too-late' }>,
): Appended {
  switch (verdict.verdict) {
    case 'no-partition':
      core.memory.topics.delete(topic.name)
      throw unknownTopic(topic.name)
    case 'unknown':
      throw new KafkaError('REQUEST_TIMED_OUT', 'the store did not answer: the records may or may not be in the log', {
        cause: verdict.cause,
      })
    case 'refused':
      throw verdict.error
    case 'not-applied':
      throw verdict.cause === 'tail-full' ? tooBusy() : notApplied(verdict.cause)
    case 'appended': {
      const { head, baseOffset, found = ref } = verdict
      if (head.configVersion !== topic.configVersion) core.memory.topics.delete(topic.name)
      core.memory.wakeups.wake(partitionText(id))
      const appendTime = configValue(topic.overrides, 'message.timestamp.type') === 'LogAppendTime'
      return {
        partition: id.partition,
        baseOffset,
        logAppendTimeMs: appendTime ? found.maxTimestampMs : -1,
        logStartOffset: head.start,
      }
    }
  }
}

/**
 * Whoever fills the tail moves it; producers go along, or when one too many has come. `appended`: refs that the append brought,
 * `joined`: of them, those of producers that the head did not hold before.
 */
export async function makeRoom(core: Core, id: PartitionId, head: Head, appended: number, joined: number) {
  const full = mustSpill(head, appended)
  const crowded = full || (joined > 0 && tooManyProducers(head))
  await Promise.all([full && spill(core, id, head), crowded && spillProducers(core, id, head, joined)])
}

const tooBusy = () =>
  new KafkaError('THROTTLING_QUOTA_EXCEEDED', 'the partition takes more appends than it can keep up with: try again')

/** Nothing was appended, for this trouble of the store. */
export function notApplied(cause: StoreError): KafkaError {
  if (cause.trouble === 'throttled') {
    return new KafkaError('THROTTLING_QUOTA_EXCEEDED', 'the store throttles: nothing was appended, try again', {
      cause,
    })
  }
  if (cause.trouble === 'too-large') return new KafkaError('MESSAGE_TOO_LARGE', cause.message, { cause })
  return new KafkaError('KAFKA_STORAGE_ERROR', 'the store cannot be reached: nothing was appended, try again', {
    cause,
  })
}
