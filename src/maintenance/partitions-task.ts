/**
 * One pass over all topics: those with nothing to do cost a share of two reads. A pass goes round by round in the order of their
 * names. Who has more to do than fits into a turn waits until all others have had theirs, and rounds follow until nobody has:
 * whoever waited longest comes first, and one that is written faster than it is rolled holds nobody up.
 */
import { listTopics, type Topic } from '../log/topics.ts'
import type { Core } from '../runtime/core.ts'
import { type Cursor, readCursor, saveCursor } from './cursor.ts'
import { noVisits, type VisitFigures, visitTopic } from './visit-topic.ts'

const task = 'partitions'
/** Schedules that fire more often, or two at once, do not make more of it. */
const passEveryMs = 60_000
/** After so long a topic begins nothing more in this round. What it has begun may take the rest of the run. */
const turnMs = 10_000

export type PartitionsReport = VisitFigures & {
  /** How long ago the last pass that came to its end began. */
  backlogMs: number
  /** The pass has not come to its end. */
  more: boolean
}

/** @throws StoreError where topics cannot be read. */
export async function maintainPartitions(core: Core, timeIsUp: () => boolean): Promise<PartitionsReport> {
  const figures = noVisits()
  const found = await readCursor(core, task)
  const nowMs = core.clock.now()
  const isFresh = !found.open && nowMs - found.passMs < passEveryMs && nowMs >= found.passMs
  if (isFresh) return { ...figures, backlogMs: Math.max(0, nowMs - found.doneMs), more: false }
  const opened = found.open ? found : { ...found, passMs: nowMs, open: true, at: '', left: false }
  const cursor = await pass(core, opened, timeIsUp, figures)
  return { ...figures, backlogMs: Math.max(0, core.clock.now() - cursor.doneMs), more: cursor.open }
}

/** Goes on from the cursor until all are done or time is up. */
async function pass(core: Core, from: Cursor, timeIsUp: () => boolean, figures: VisitFigures): Promise<Cursor> {
  const topics = await listTopics(core)
  const waitingBytes = new Map<Topic, number>()
  let cursor = from
  do cursor = await round(core, cursor, topics, timeIsUp, figures, waitingBytes)
  while (cursor.open && !timeIsUp())
  for (const bytes of waitingBytes.values()) figures.backlogBytes += bytes
  // Where another run saved since, its word counts.
  return (await saveCursor(core, task, cursor)) ?? readCursor(core, task)
}

/** From the topic that the cursor names, which comes next, to the last one. With a round that leaves nothing the pass is over. */
async function round(
  core: Core,
  from: Cursor,
  topics: readonly Topic[],
  timeIsUp: () => boolean,
  figures: VisitFigures,
  waitingBytes: Map<Topic, number>,
): Promise<Cursor> {
  let { left } = from
  for (const topic of topics.filter(({ name }) => name >= from.at)) {
    if (timeIsUp()) return { ...from, at: topic.name, left }
    const endsMs = core.clock.uptime() + turnMs
    const isOver = () => core.clock.uptime() >= endsMs
    const { more, bytes } = await visitTopic(core, topic, { timeIsUp, isOver, figures })
    waitingBytes.set(topic, bytes)
    left ||= more
  }
  const next = { ...from, at: '', left: false }
  return left ? next : { ...next, open: false, doneMs: from.passMs }
}
