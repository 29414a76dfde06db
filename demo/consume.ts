/** Reads everything back with the members of one group, and kills one of them in the middle: the others take over. */
import type { Delivered, Place, Session } from './check.ts'
import { type Child, startChild } from './child.ts'
import type { Progress } from './progress.ts'
import type { ReaderJob, ReaderReport } from './reader.ts'
import { insist, Refused, type Rest, type Target } from './rest.ts'

const readers = 3
/** More than a reader is given before it has died. */
const leftOfAPartitionMin = 1_000

export type Consumed = {
  readonly sessions: readonly Session[]
  readonly seconds: number
  readonly readers: number
  readonly killed: number
  /** Partitions of the killed reader that were not at their end, and how many seconds later all of them were read on. */
  readonly moved: { readonly partitions: number; readonly seconds: number }
}

type Stint = Session & { readonly delivered: Delivered[]; readonly commits: Session['commits'][number][] }

type Reader = {
  readonly number: number
  readonly child: Child
  readonly instance: Promise<string>
  stint: Stint
}

type Kill = { readonly reader: number; readonly atMs: number }

export async function consumeAll(
  target: Target,
  rest: Rest,
  topic: string,
  ends: readonly Place[],
  progress: Progress,
): Promise<Consumed> {
  const group = `${topic}-readers`
  const total = ends.reduce((sum, { offset }) => sum + offset, 0)
  const sessions: Stint[] = []
  const seen = new Set<string>()
  let kill: Kill | undefined

  const newStint = (number: number): Stint => {
    const stint = { reader: number, delivered: [], commits: [] }
    sessions.push(stint)
    return stint
  }
  const start = (number: number): Reader => {
    let uncommitted = 0
    let isReady: (instance: string) => void = () => {}
    const instance = new Promise<string>((resolve) => {
      isReady = resolve
    })
    const hear = (report: ReaderReport) => {
      if (report.kind === 'ready') isReady(report.instance)
      if (report.kind === 'went back') reader.stint = newStint(number)
      if (report.kind === 'committing') reader.stint.commits.push(...sentOf(report.positions))
      if (report.kind === 'committed') {
        uncommitted = 0
        const { askedMs } = report
        reader.stint.commits.push(...report.positions.map((place) => ({ ...place, knownMs: askedMs })))
      }
      if (report.kind !== 'delivered') return
      uncommitted += report.records.length
      reader.stint.delivered.push(...report.records)
      progress.add(countNew(seen, report.records))
      // After the half whoever still has enough before it is killed, with records in hand: something is left to be taken over.
      if (kill || seen.size < total / 2 || leftBehind(ends, report.records) < leftOfAPartitionMin) return
      kill = { reader: number, atMs: Date.now() }
      reader.child.kill()
      progress.note(
        `reader ${number} killed with ${uncommitted} records not committed; the others take its partitions over`,
      )
    }
    const job: ReaderJob = { target, topic, group, ends }
    const reader: Reader = {
      number,
      child: startChild<ReaderJob, ReaderReport>('reader.ts', job, hear),
      instance,
      stint: newStint(number),
    }
    return reader
  }

  const all = Array.from({ length: readers }, (_, number) => start(number))
  const ended = Promise.all(all.map(({ child }) => child.ended))
  await Promise.race([Promise.all(all.map(({ instance }) => instance)), ended])
  const beganMs = performance.now()
  for (const { child } of all) child.tell()
  const outcomes = await ended
  const seconds = (performance.now() - beganMs) / 1000
  for (const [at, outcome] of outcomes.entries())
    if (outcome === 'killed') await removed(rest, (await all[at]?.instance) ?? '')
  const killed = outcomes.filter((outcome) => outcome === 'killed').length
  return { sessions, seconds, readers, killed, moved: movedAfter(sessions, kill) }
}

const sentOf = (positions: readonly Place[]) => positions.map((place) => ({ ...place, sentMs: Date.now() }))

/** The instance of a reader that died. It may have been found idle and removed before. */
async function removed(rest: Rest, instance: string): Promise<void> {
  try {
    await insist(() => rest('DELETE', instance))
  } catch (error) {
    if (!(error instanceof Refused && error.status === 404)) throw error
  }
}

/** Of the partitions of these records: the most that one has behind them. */
function leftBehind(ends: readonly Place[], records: readonly Place[]): number {
  const latest = new Map(records.map(({ partition, offset }) => [partition, offset]))
  return Math.max(0, ...ends.map(({ partition, offset }) => offset - 1 - (latest.get(partition) ?? offset)))
}

function countNew(seen: Set<string>, records: readonly Place[]): number {
  const before = seen.size
  for (const { partition, offset } of records) seen.add(`${partition}@${offset}`)
  return seen.size - before
}

/** When the others read on where the killed one had read last. */
function movedAfter(sessions: readonly Session[], kill: Kill | undefined): Consumed['moved'] {
  const latest = new Map<number, { reader: number; polledMs: number }>()
  const resumed = new Map<number, number>()
  const all = sessions.flatMap(({ reader, delivered }) =>
    delivered.map(({ partition, polledMs }) => ({ reader, partition, polledMs })),
  )
  for (const { reader, partition, polledMs } of all.toSorted((a, b) => a.polledMs - b.polledMs)) {
    if (!kill) break
    const before = latest.get(partition)
    if (before?.reader === kill.reader && reader !== kill.reader && !resumed.has(partition))
      resumed.set(partition, polledMs - kill.atMs)
    latest.set(partition, { reader, polledMs })
  }
  const seconds = Math.max(0, ...resumed.values()) / 1000
  return { partitions: resumed.size, seconds }
}
