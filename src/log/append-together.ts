/**
 * Appending what several requests bring, to any number of topics and partitions: one blob for all of it, and one update of each
 * head, whoever the records are from (docs/decisions/0014). Each portion is checked and answered by itself.
 */
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import {
  type Appended,
  type AppendOutcome,
  append,
  appendReady,
  check,
  knownOf,
  makeRoom,
  meant,
  type NewBatches,
  notApplied,
  type Ready,
  refTo,
  settle,
} from './append.ts'
import type { Verdict } from './append-ref.ts'
import { appendRefs } from './append-refs.ts'
import { type Blob, storeBlob } from './blob.ts'
import { newBlobId } from './blob-id.ts'
import { ttlOf } from './blob-ttl.ts'
import type { NewRef } from './head.ts'
import { partitionText } from './keys.ts'
import { byPartition, type Portion, type Run, runsOf, shareOf, type Wave, wavesOf } from './runs.ts'
import { nextStamp } from './stamp.ts'
import type { Topic } from './topics.ts'

/** What one request brings for one partition. `sameTopicOnly`: never to another topic that bears the name by now. */
export type Asked = { readonly topic: Topic; readonly batches: NewBatches; readonly sameTopicOnly: boolean }

export type Appending = {
  /** As `append` gives it, and as soon as it is known: before there is room for the next. */
  readonly outcome: Promise<AppendOutcome>
  /** Resolves when the partition's tail has room again, as far as it came to that. */
  readonly room: Promise<unknown>
}

/**
 * Each portion by itself: trouble of one partition makes no other wait. Of one partition, what one idempotent producer brings
 * stands in its order, and so does all that is no producer's.
 */
export function appendTogether(core: Core, asked: readonly Asked[]): readonly Appending[] {
  const deadlineMs = core.clock.uptime() + core.settings.appendTimeoutMs
  const begun = begin(core, asked, deadlineMs)
  const settled = new Map<string, Promise<unknown>>()
  return asked.map((one, at) => {
    const partition = partitionText({ topicId: one.topic.id, partition: one.batches.partition })
    const before = settled.get(partition)
    const outcome = outcomeOf(one, at, before)
    settled.set(partition, Promise.allSettled([before, outcome]))
    // Where nothing could be begun, the outcome tells.
    const room = begun.then(
      ({ rooms }) => rooms.get(partition),
      () => {},
    )
    return { outcome, room: Promise.all([room, Promise.allSettled([outcome])]) }
  })

  async function outcomeOf(one: Asked, at: number, before: Promise<unknown> | undefined): Promise<AppendOutcome> {
    const { partition } = one.batches
    try {
      const found = (await begun).waiting[at]
      if (!found) throw new Error('a portion was lost')
      return await found()
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      if (error.error !== 'UNKNOWN_TOPIC_OR_PARTITION') return { partition, error }
      // Each for itself: in their order only where one waits for the other.
      await before
      return elsewhere(core, one)
    }
  }
}

/** The topic may have grown, or have been created anew, since this process last saw it: that is looked after there. */
async function elsewhere(core: Core, { topic, batches, sameTopicOnly }: Asked): Promise<AppendOutcome> {
  const [outcome] = await append(core, topic, [batches], { sameTopicOnly })
  if (!outcome) throw new Error('an append was not answered')
  return outcome
}

/** Who waits for a portion asks for it. @throws KafkaError see `append`. */
type Waiting = () => Promise<Appended>

type Begun = {
  readonly waiting: readonly Waiting[]
  /** By partition. */
  readonly rooms: ReadonlyMap<string, Promise<unknown>>
}

async function begin(core: Core, asked: readonly Asked[], deadlineMs: number): Promise<Begun> {
  const waiting: Waiting[] = []
  const checked = await Promise.allSettled(asked.map(({ topic, batches }) => check(core, topic, batches)))
  const admitted = checked.flatMap((result, at): Portion[] => {
    const topic = asked[at]?.topic
    if (result.status === 'fulfilled' && topic) return [{ at, topic, ready: result.value }]
    waiting[at] = () => Promise.reject(result.status === 'rejected' ? result.reason : new Error('a portion was lost'))
    return []
  })
  const runs = runsOf(admitted)
  const [blobs, known] = await Promise.all([
    storeRuns(core, runs, deadlineMs),
    Promise.allSettled(runs.map(({ ready }) => knownOf(core, ready.id, ready.admitted))),
  ])
  const named = runs.map((run, at): Named => {
    const told = known[at]
    return { ...run, absence: told?.status === 'fulfilled' ? told.value : undefined }
  })
  const rooms = new Map<string, Promise<unknown>>()
  for (const [partition, line] of byPartition(named)) {
    const { each, room } = appendLine(core, line, blobs, deadlineMs)
    rooms.set(partition, room)
    for (const [run, appended] of each) {
      appended.catch(() => {}) // Told to each of those who wait.
      for (const member of run.members) waiting[member.at] = async () => shareOf(await appended, run, member)
    }
  }
  return { waiting, rooms }
}

type Named = Run & Pick<NewRef, 'absence'>

/** Where each run's bytes are. */
type Place = { readonly blob: Blob; readonly at: number }
type Stored = ReadonlyMap<Ready, Place | KafkaError>

/** One blob for all: for all of one era, to be exact, for a blob names the last stamp that may refer to it. */
async function storeRuns(core: Core, runs: readonly Run[], deadlineMs: number): Promise<Stored> {
  const stored = new Map<Ready, Place | KafkaError>()
  await Promise.all(
    [...new Set(runs.map(({ topic }) => topic.era))].map(async (era) => {
      const ready = runs.flatMap((run) => (run.topic.era === era ? [run.ready] : []))
      const portions = ready.map(({ id, admitted }) => ({ id, records: admitted.records }))
      try {
        const brought = runs.flatMap(({ topic, ready: { admitted } }) =>
          topic.era === era ? [{ topic, maxTimestampMs: admitted.maxTimestampMs }] : [],
        )
        const blob = await storeBlob(core, era, portions, deadlineMs, ttlOf(core, brought))
        for (const [at, one] of ready.entries()) stored.set(one, { blob, at })
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        for (const one of ready) stored.set(one, notApplied(error))
      }
    }),
  )
  return stored
}

type Outcome = { readonly appended: Appended } | { readonly error: unknown }

/** All that one head is to take. */
function appendLine(core: Core, line: readonly Named[], stored: Stored, deadlineMs: number) {
  const each = new Map<Run, Promise<Appended>>()
  const rooms: Promise<unknown>[] = []
  let before: Promise<unknown> = Promise.resolve()
  for (const wave of wavesOf(line)) {
    const settled = before.then(() => appendWave(core, wave, stored, deadlineMs))
    for (const run of wave.pieces.flat()) each.set(run, settled.then(outcomeOf(run)))
    const room = settled.then(
      ({ room }) => room,
      () => {},
    )
    rooms.push(room)
    before = room.catch(() => {})
  }
  return { each, room: Promise.all(rooms) }
}

/** `room`: being made for the next wave. */
type Settled = { readonly outcomes: ReadonlyMap<Run, Outcome>; readonly room: Promise<unknown> | undefined }

const outcomeOf =
  (run: Run) =>
  ({ outcomes }: Settled) => {
    const outcome = outcomes.get(run)
    if (outcome && 'appended' in outcome) return outcome.appended
    throw outcome ? outcome.error : new Error('a ref was not settled')
  }

/** A run, and the ref that it is sent as. */
type Sent = { readonly run: Named; readonly ref: NewRef['ref'] }

async function appendWave(
  core: Core,
  { id, pieces }: Wave<Named>,
  stored: Stored,
  deadlineMs: number,
): Promise<Settled> {
  const outcomes = new Map<Run, Outcome>()
  const names = namer(core)
  const sent = pieces.map((piece) =>
    piece.flatMap((run): Sent[] => {
      const place = stored.get(run.ready)
      try {
        if (place && !(place instanceof KafkaError)) return [{ run, ref: names(run, place) }]
        outcomes.set(run, { error: place ?? new Error('the bytes of a run were lost') })
      } catch (error) {
        outcomes.set(run, { error: error instanceof StoreError ? notApplied(error) : error })
      }
      return []
    }),
  )
  const brought = await Promise.all(sent.map((piece) => appendPiece(core, id, piece, deadlineMs, outcomes)))
  const all = brought.flat()
  const [newest] = all.map(({ head }) => head).sort((a, b) => b.next - a.next)
  if (!newest) return { outcomes, room: undefined }
  core.memory.wakeups.wake(partitionText(id))
  return { outcomes, room: makeRoom(core, id, newest, all.length, all.filter(({ joined }) => joined).length) }
}

/** Names the refs of one head: no two have the same stamp, and no two inline ones the same id, which is all of their name. */
function namer(core: Core) {
  let stamp = 0
  let inline = 0
  return ({ topic, ready }: Named, { blob, at }: Place): NewRef['ref'] => {
    stamp = Math.min(Math.max(nextStamp(core, topic.era), stamp + 1), blob.lastStamp)
    const ref = refTo(topic, blob, at, ready.admitted, stamp)
    return blob.place === 'inline' && inline++ > 0 ? { ...ref, id: newBlobId(core.clock.now(), core.random) } : ref
  }
}

/**
 * One update, or where the head does not take it, one for each ref. What it made of the head, where room has still to be made for
 * the next. Never throws.
 */
async function appendPiece(
  core: Core,
  id: Ready['id'],
  piece: readonly Sent[],
  deadlineMs: number,
  outcomes: Map<Run, Outcome>,
): Promise<readonly Brought[]> {
  const [only, ...others] = piece
  if (!only) return []
  if (others.length === 0) return appendOne(core, only, deadlineMs, outcomes)
  const refs = piece.map(({ run, ref }) => ({ ref, absence: run.absence }))
  try {
    const together = await appendRefs(core, id, refs, deadlineMs)
    if (together.verdict !== 'refused') {
      for (const [at, { run, ref }] of piece.entries()) {
        const verdict = together.verdict === 'appended' ? together.each[at] : together
        if (verdict) outcomes.set(run, await settled(async () => meant(core, run.topic, id, ref, verdict)))
      }
      return together.verdict === 'appended' ? together.each : []
    }
    await oneByOne(core, piece, deadlineMs, outcomes, together.onItsWay)
  } catch (error) {
    for (const { run } of piece) outcomes.set(run, { error })
  }
  return []
}

async function appendOne(
  core: Core,
  { run: { topic, ready, absence }, run, ref }: Sent,
  deadlineMs: number,
  outcomes: Map<Run, Outcome>,
): Promise<readonly Brought[]> {
  const brought: Brought[] = []
  const outcome = await settled(async () => {
    const { ref: named, verdict } = await settle(core, topic, ready, ref, deadlineMs, absence)
    if (verdict.verdict === 'appended') brought.push(verdict)
    return meant(core, topic, ready.id, named, verdict)
  })
  outcomes.set(run, outcome)
  return brought
}

type Brought = Extract<Verdict, { verdict: 'appended' }>

/**
 * In their order, each under the name that it has. `onItsWay`: an update that brings all of them may still come, so that no ref's
 * refusal is a promise. Once one of them is in the log that update is void, for it brings all or none.
 */
async function oneByOne(
  core: Core,
  piece: readonly Sent[],
  deadlineMs: number,
  outcomes: Map<Run, Outcome>,
  onItsWay: StoreError | undefined,
): Promise<void> {
  for (const { run, ref } of piece) {
    const { topic, ready, absence } = run
    const outcome = await settled(() => appendReady(core, topic, ready, ref, deadlineMs, absence, onItsWay))
    outcomes.set(run, outcome)
  }
}

async function settled(work: () => Promise<Appended>): Promise<Outcome> {
  try {
    return { appended: await work() }
  } catch (error) {
    return { error }
  }
}
