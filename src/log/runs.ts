/**
 * What several requests bring, sorted for appending: into runs, each of which one ref will name; those of one partition into waves,
 * each of which goes to the head at once.
 */
import type { Admitted } from './admit.ts'
import type { Appended, Ready } from './append.ts'
import { refsAtOnceMax } from './append-refs.ts'
import { partitionText } from './keys.ts'
import type { Topic } from './topics.ts'

/** What one caller brings for one partition; `at`: its place among all portions. */
export type Portion = { readonly at: number; readonly topic: Topic; readonly ready: Ready }
/** `before`: records of the run that stand before it. */
type Member = { readonly at: number; readonly before: number; readonly maxTimestampMs: number }
/** What one ref is to name: of one idempotent producer, or of any number of callers that are none, one after the other. */
export type Run = { readonly topic: Topic; readonly ready: Ready; readonly members: readonly Member[] }

/** A reader takes a ref's bytes as a whole. */
const sharedRefBytesMax = 1024 * 1024

export function runsOf(portions: readonly Portion[]): Run[] {
  const shared: Portion[][] = []
  const open = new Map<string, { portions: Portion[]; bytes: number }>()
  for (const portion of portions) {
    const { topic, ready } = portion
    const { records, producer } = ready.admitted
    const key = `${partitionText(ready.id)}/${topic.configVersion}/${topic.era}`
    const last = open.get(key)
    if (last && !producer && last.bytes + records.length <= sharedRefBytesMax) {
      last.portions.push(portion)
      last.bytes += records.length
      continue
    }
    const begun = { portions: [portion], bytes: records.length }
    shared.push(begun.portions)
    // What comes after a producer's own ref stands after it.
    if (producer) open.delete(key)
    else open.set(key, begun)
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

export function byPartition<R extends Run>(runs: readonly R[]): Iterable<readonly R[]> {
  const lines = new Map<string, R[]>()
  for (const run of runs) {
    const partition = partitionText(run.ready.id)
    const line = lines.get(partition)
    if (line) line.push(run)
    else lines.set(partition, [run])
  }
  return lines.values()
}

/** How many refs go to one head at a time: as many as may stand in its tail beside others', until it has been spilled. */
const refsAWaveMax = 3 * refsAtOnceMax

/** A producer's runs follow each other: each begins where the one before has ended. */
export function wavesOf<R extends Run>(line: readonly R[]): R[][] {
  const waves: R[][] = []
  let producers = new Set<number>()
  for (const run of line) {
    const producer = run.ready.admitted.producer?.id
    const wave = waves.at(-1)
    const fits = wave && wave.length < refsAWaveMax && (producer === undefined || !producers.has(producer))
    if (fits) wave.push(run)
    else {
      waves.push([run])
      producers = new Set()
    }
    if (producer !== undefined) producers.add(producer)
  }
  return waves
}
