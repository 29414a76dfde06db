/**
 * What several requests bring, sorted for appending: into runs, each of which one ref will name; those of one partition into waves,
 * each of which goes to the head at once.
 */
import type { Admitted } from './admit.ts'
import type { Appended, Ready } from './append.ts'
import { refsAtOnceMax } from './append-refs.ts'
import { partitionText } from './keys.ts'
import { lastSequenceOf } from './producer-state.ts'
import type { Topic } from './topics.ts'

/** What one caller brings for one partition; `at`: its place among all portions. */
export type Portion = { readonly at: number; readonly topic: Topic; readonly ready: Ready }
/** `before`: records of the run that stand before it. */
type Member = { readonly at: number; readonly before: number; readonly maxTimestampMs: number }
/** What one ref is to name: of one idempotent producer, or of any number of callers that are none, one after the other. */
export type Run = { readonly topic: Topic; readonly ready: Ready; readonly members: readonly Member[] }

/** A reader takes a ref's bytes as a whole. */
const sharedRefBytesMax = 1024 * 1024

/** In the order of their first portions. What is no producer's shares refs, in its order; what one producer brings keeps its own. */
export function runsOf(portions: readonly Portion[]): Run[] {
  const shared: Portion[][] = []
  const open = new Map<string, { portions: Portion[]; bytes: number }>()
  for (const portion of portions) {
    const { topic, ready } = portion
    const { records, producer } = ready.admitted
    const key = `${JSON.stringify(ready.id)}/${topic.configVersion}/${topic.era}`
    const last = producer ? undefined : open.get(key)
    if (last && last.bytes + records.length <= sharedRefBytesMax) {
      last.portions.push(portion)
      last.bytes += records.length
      continue
    }
    const begun = { portions: [portion], bytes: records.length }
    shared.push(begun.portions)
    if (!producer) open.set(key, begun)
  }
  return shared.flatMap(runOf)
}

function runOf(portions: readonly Portion[]): Run[] {
  const [first] = portions
  if (!first) return []
  const members: Member[] = []
  let count = 0
  let maxTimestampMs = -1
  for (const { at, ready } of portions) {
    members.push({ at, before: count, maxTimestampMs: ready.admitted.maxTimestampMs })
    count += ready.admitted.count
    maxTimestampMs = Math.max(maxTimestampMs, ready.admitted.maxTimestampMs)
  }
  const { topic, ready } = first
  if (portions.length === 1) return [{ topic, ready, members }]
  const admitted: Admitted = {
    records: Buffer.concat(portions.map((one) => one.ready.admitted.records)),
    count,
    maxTimestampMs,
  }
  return [{ topic, ready: { id: ready.id, admitted }, members }]
}

/** What of a run's answer is one caller's. */
export function shareOf(appended: Appended, { members }: Run, { before, maxTimestampMs }: Member): Appended {
  if (members.length === 1) return appended
  const logAppendTimeMs = appended.logAppendTimeMs < 0 ? appended.logAppendTimeMs : maxTimestampMs
  return { ...appended, baseOffset: appended.baseOffset + before, logAppendTimeMs }
}

export function byPartition<R extends Run>(runs: readonly R[]): ReadonlyMap<string, readonly R[]> {
  const lines = new Map<string, R[]>()
  for (const run of runs) {
    const partition = partitionText(run.ready.id)
    const line = lines.get(partition)
    if (line) line.push(run)
    else lines.set(partition, [run])
  }
  return lines
}

/** How many updates go to one head at a time: as many refs as may stand in its tail beside others', until it has been spilled. */
const piecesAWaveMax = 3

/** Refs for one head; `pieces`: each one update, sent side by side, so that no order holds between them. */
export type Wave<R extends Run> = { readonly id: Ready['id']; readonly pieces: readonly (readonly R[])[] }

type Open<R extends Run> = { readonly id: Ready['id']; readonly pieces: R[][]; readonly lanes: Map<number, Lane<R>> }
type Lane<R extends Run> = { readonly piece: R[]; last: R }

/**
 * What one partition is to take, one wave after the other. Runs of one producer stand in one update where they go on from each
 * other, and else in different waves; so do all runs that are no producer's: they may be one caller's.
 */
export function wavesOf<R extends Run>(line: readonly R[]): Wave<R>[] {
  const waves: Open<R>[] = []
  for (const run of line) {
    const now = waves.at(-1)
    if (now && placed(now, run)) continue
    const piece = [run]
    const lanes = new Map([[laneOf(run), { piece, last: run }]])
    waves.push({ id: run.ready.id, pieces: [piece], lanes })
  }
  return waves
}

const nobodys = -1
const laneOf = ({ ready }: Run): number => ready.admitted.producer?.id ?? nobodys

function placed<R extends Run>({ id, pieces, lanes }: Open<R>, run: R): boolean {
  if (JSON.stringify(id) !== JSON.stringify(run.ready.id)) return false
  const lane = lanes.get(laneOf(run))
  if (lane) {
    if (lane.piece.length >= refsAtOnceMax || !goesOn(lane.last, run)) return false
    lane.piece.push(run)
    lane.last = run
    return true
  }
  let piece = pieces.find(({ length }) => length < refsAtOnceMax)
  if (!piece) {
    if (pieces.length === piecesAWaveMax) return false
    piece = []
    pieces.push(piece)
  }
  piece.push(run)
  lanes.set(laneOf(run), { piece, last: run })
  return true
}

function goesOn(before: Run, run: Run): boolean {
  const [last, next] = [before.ready.admitted, run.ready.admitted]
  if (!last.producer || !next.producer) return true
  const expected = lastSequenceOf(last.producer, last.count + 1)
  return next.producer.epoch === last.producer.epoch && next.producer.firstSequence === expected
}
