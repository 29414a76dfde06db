/** Reads everything back with several readers at once, and kills one of them in the middle. */
import type { Delivered, Place, Session } from './check.ts'
import { type Child, startChild } from './child.ts'
import type { Progress } from './progress.ts'
import type { ReaderJob, ReaderReport } from './reader.ts'
import { insist, type Rest, type Target } from './rest.ts'

const readers = 3
const victim = 1

export type Consumed = {
  readonly sessions: readonly Session[]
  readonly seconds: number
  readonly readers: number
  readonly killed: number
}

export async function consumeAll(
  target: Target,
  rest: Rest,
  topic: string,
  ends: readonly Place[],
  progress: Progress,
): Promise<Consumed> {
  const group = `${topic}-readers`
  const sessions: Session[] = []
  let killed = 0
  let beganMs: number | undefined

  const run = async (reader: number): Promise<void> => {
    const own = ends.filter(({ partition }) => partition % readers === reader)
    const half = own.reduce((sum, { offset }) => sum + offset, 0) / 2
    const seen = new Set<string>()
    for (;;) {
      const session = { reader, positions: [] as Place[], delivered: [] as Delivered[], commits: [] as Place[] }
      sessions.push(session)
      let instance = ''
      let uncommitted = 0
      const job: ReaderJob = { target, topic, group, ends: own }
      const child: Child = startChild<ReaderJob, ReaderReport>('reader.ts', job, (report) => {
        beganMs ??= performance.now()
        if (report.kind === 'started') {
          instance = report.instance
          session.positions.push(...report.positions)
          return
        }
        if (report.kind === 'committed') {
          uncommitted = 0
          session.commits.push(...report.positions)
          return
        }
        uncommitted += report.records.length
        session.delivered.push(...report.records)
        progress.add(countNew(seen, report.records))
        if (reader === victim && killed === 0 && seen.size > half && uncommitted > 0) {
          killed++
          child.kill()
        }
      })
      if ((await child.ended) === 'finished') return
      progress.note(
        `reader ${reader} killed after ${session.delivered.length} records, ${uncommitted} of them not committed; ` +
          'another one goes on from its committed positions',
      )
      if (instance !== '') await insist(() => rest('DELETE', instance))
    }
  }

  await Promise.all(Array.from({ length: readers }, (_, reader) => run(reader)))
  const seconds = (performance.now() - (beganMs ?? performance.now())) / 1000
  return { sessions, seconds, readers, killed }
}

function countNew(seen: Set<string>, records: readonly Place[]): number {
  const before = seen.size
  for (const { partition, offset } of records) seen.add(`${partition}@${offset}`)
  return seen.size - before
}
