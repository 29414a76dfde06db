/** The maintenance by hand: everything that is due, at once and to its end, and what was done topic by topic. */
import { findTopic, listTopics, type Topic } from '../log/topics.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { maintainGroups } from './groups-task.ts'
import { workOffJobs } from './jobs-task.ts'
import { sweep } from './sweep.ts'
import { noVisits, visitTopic } from './visit-topic.ts'

/** What was counted, by name; nothing in it where there was nothing to do. */
export type Done = {
  readonly what: string
  readonly figures: Readonly<Record<string, number>>
  readonly error?: unknown
}

export type ByHand = {
  /** Only these topics' partitions; empty: all of them, and what belongs to no topic. */
  readonly topics: readonly string[]
  /** Called for each topic, and each task beside them, when it has come to its end. */
  done(done: Done): void
  /** Called often, with what is being done. */
  progress(doing: Done): void
  readonly signal?: AbortSignal
}

/** Ends where nothing is left that is due, or at the signal. @throws KafkaError for a topic that does not exist; StoreError */
export async function maintainByHand(core: Core, options: ByHand): Promise<void> {
  const stopped = () => options.signal?.aborted === true
  for (const topic of await chosen(core, options.topics)) {
    if (stopped()) return
    const figures = noVisits()
    const timeIsUp = () => {
      options.progress({ what: topic.name, figures: figuresOf(figures) })
      return stopped()
    }
    await visitTopic(core, topic, { timeIsUp, isOver: () => false, figures })
    options.done({ what: topic.name, figures: figuresOf(figures), error: figures.error })
  }
  if (options.topics.length > 0) return
  await beside(options, 'deleted topics', (timeIsUp) => workOffJobs(core, timeIsUp))
  await beside(options, 'groups', (timeIsUp) => maintainGroups(core, timeIsUp))
  await beside(options, 'orphaned blobs', (timeIsUp) => sweep(core, timeIsUp))
}

async function chosen(core: Core, names: readonly string[]): Promise<readonly Topic[]> {
  if (names.length === 0) return listTopics(core)
  const found = await Promise.all(names.map((name) => findTopic(core, name)))
  return found.map((topic, at) => {
    if (topic) return topic
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic ${names[at]}`)
  })
}

type Report = { readonly error?: unknown }

async function beside(
  { signal, progress, done }: ByHand,
  what: string,
  run: (timeIsUp: () => boolean) => Promise<Report>,
): Promise<void> {
  if (signal?.aborted) return
  const report = await run(() => {
    progress({ what, figures: {} })
    return signal?.aborted === true
  })
  done({ what, figures: figuresOf(report), error: report.error })
}

/** What says how far the work is, and not what was done. */
const notDone = new Set(['partitionsLooked', 'groupsLooked', 'backlogMs', 'backlogBytes', 'lostRaces'])

const figuresOf = (report: object): Record<string, number> =>
  Object.fromEntries(
    Object.entries(report).filter(([name, value]) => typeof value === 'number' && value > 0 && !notDone.has(name)),
  )
