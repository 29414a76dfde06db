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
  appendRenamed,
  check,
  knownOf,
  makeRoom,
  meant,
  type NewBatches,
  notApplied,
  type Ready,
  refTo,
} from './append.ts'
import { appendRefs, refsAtOnceMax, type Settled } from './append-refs.ts'
import { type Blob, storeBlob } from './blob.ts'
import { newBlobId } from './blob-id.ts'
import { ttlOf } from './blob-ttl.ts'
import type { NewRef } from './head.ts'
import { partitionText } from './keys.ts'
import { byPartition, type Portion, type Run, runsOf, shareOf, wavesOf } from './runs.ts'
import { nextStamp } from './stamp.ts'
import type { Topic } from './topics.ts'

/** What one request brings for one partition. `sameTopicOnly`: never to another topic that bears the name by now. */
export type Asked = { readonly topic: Topic; readonly batches: NewBatches; readonly sameTopicOnly: boolean }

/**
 * An outcome for each portion, as `append` gives it, and as soon as it is known: trouble of one partition makes no other wait.
 * The portions of one partition in their order, as far as they stand in one update.
 */
export function appendTogether(core: Core, asked: readonly Asked[]): readonly Promise<AppendOutcome>[] {
  const deadlineMs = core.clock.uptime() + core.settings.appendTimeoutMs
  const begun = begin(core, asked, deadlineMs)
  return asked.map(async (one, at): Promise<AppendOutcome> => {
    const { partition } = one.batches
    try {
      const found = (await begun)[at]
      if (!found) throw new Error('a portion was lost')
      return await found()
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return error.error === 'UNKNOWN_TOPIC_OR_PARTITION' ? elsewhere(core, one) : { partition, error }
    }
  })
}

/** The topic may have grown, or have been created anew, since this process last saw it: that is looked after there. */
async function elsewhere(core: Core, { topic, batches, sameTopicOnly }: Asked): Promise<AppendOutcome> {
  const [outcome] = await append(core, topic, [batches], { sameTopicOnly })
  if (!outcome) throw new Error('an append was not answered')
  return outcome
}

/** Who waits for a portion asks for it. @throws KafkaError see `append`. */
type Waiting = () => Promise<Appended>

async function begin(core: Core, asked: readonly Asked[], deadlineMs: number): Promise<readonly Waiting[]> {
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
  for (const line of byPartition(named)) {
    for (const [run, appended] of appendLine(core, line, blobs, deadlineMs)) {
      appended.catch(() => {}) // Told to each of those who wait.
      for (const member of run.members) waiting[member.at] = async () => shareOf(await appended, run, member)
    }
  }
  return waiting
}

type Named = Run & Pick<NewRef, 'absence'>

/** Where each run's bytes are. */
type Stored = ReadonlyMap<Run['ready'], { readonly blob: Blob; readonly at: number } | KafkaError>

/** One blob for all: for all of one era, to be exact, for a blob names the last stamp that may refer to it. */
async function storeRuns(core: Core, runs: readonly Run[], deadlineMs: number): Promise<Stored> {
  const stored = new Map<Ready, { blob: Blob; at: number } | KafkaError>()
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

/** All that one head is to take. */
function appendLine(core: Core, line: readonly Named[], stored: Stored, deadlineMs: number) {
  const appended = new Map<Run, Promise<Appended>>()
  let before: Promise<unknown> = Promise.resolve()
  for (const wave of wavesOf(line)) {
    const settled = before.then(() => appendWave(core, wave, stored, deadlineMs))
    for (const run of wave)
      appended.set(
        run,
        settled.then((all) => finish(core, run, all.get(run), deadlineMs)),
      )
    before = settled.catch(() => {})
  }
  return appended
}

type Done = { readonly ref: NewRef['ref']; readonly settled: Settled } | KafkaError

async function appendWave(
  core: Core,
  wave: readonly Named[],
  stored: Stored,
  deadlineMs: number,
): Promise<ReadonlyMap<Run, Done>> {
  const done = new Map<Run, Done>()
  const sent: { readonly run: Named; readonly ref: NewRef['ref'] }[] = []
  let stamp = 0
  let inline = 0
  for (const run of wave) {
    const place = stored.get(run.ready)
    if (!place || place instanceof KafkaError) {
      done.set(run, place ?? new KafkaError('KAFKA_STORAGE_ERROR', 'the records were not stored: try again'))
      continue
    }
    const { blob, at } = place
    stamp = Math.min(Math.max(nextStamp(core, run.topic.era), stamp + 1), blob.lastStamp)
    const ref = refTo(run.topic, blob, at, run.ready.admitted, stamp)
    // An inline ref's id is all of its name: each has its own.
    const own = blob.place === 'inline' && inline++ > 0 ? { id: newBlobId(core.clock.now(), core.random) } : {}
    sent.push({ run, ref: { ...ref, ...own } })
  }
  const id = wave[0]?.ready.id
  if (!id || sent.length === 0) return done
  const settled = (
    await Promise.all(
      piecesOf(sent).map((piece) =>
        appendRefs(
          core,
          id,
          piece.map(({ run, ref }) => ({ ref, absence: run.absence })),
          deadlineMs,
        ),
      ),
    )
  ).flat()
  for (const [at, { run, ref }] of sent.entries()) {
    const one = settled[at]
    if (one) done.set(run, { ref, settled: one })
  }
  await makeRoomAfter(core, id, settled)
  return done
}

function piecesOf<T>(all: readonly T[]): T[][] {
  const pieces: T[][] = []
  for (let at = 0; at < all.length; at += refsAtOnceMax) pieces.push(all.slice(at, at + refsAtOnceMax))
  return pieces
}

/** Once for all of them, by the newest head that they made. */
async function makeRoomAfter(core: Core, id: Ready['id'], settled: readonly Settled[]): Promise<void> {
  const appended = settled.flatMap((one) => (one.verdict === 'appended' ? [one] : []))
  const [newest] = appended.map(({ head }) => head).sort((a, b) => b.next - a.next)
  if (!newest) return
  core.memory.wakeups.wake(partitionText(id))
  await makeRoom(core, id, newest, appended.length, appended.filter(({ joined }) => joined).length)
}

/** @throws KafkaError see `append`. */
async function finish(core: Core, run: Named, done: Done | undefined, deadlineMs: number): Promise<Appended> {
  const { topic, ready, absence } = run
  if (!done) throw new Error('a ref was not settled')
  if (done instanceof KafkaError) throw done
  const { ref, settled } = done
  if (settled.verdict === 'failed') throw settled.error
  if (settled.verdict === 'too-late') return appendRenamed(core, topic, ready, settled, deadlineMs, absence)
  return meant(core, topic, ready.id, ref, settled)
}
