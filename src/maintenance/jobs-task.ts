/**
 * Works off the jobs that creating, growing and deleting topics leave (log/topics.ts, log/alter-topic.ts): all that a deleted topic
 * had, and what a process that died left of one that was never named.
 *
 *   create-topic     an hour old: nobody is at it any more. It becomes a deletion, which the creator's own transaction then respects
 *   add-partitions   of a topic that is gone: becomes a deletion too; of one that has the partitions by now: done
 *   delete-topic     heads, then index, blobs and producers of every partition; an hour later once more, for a writer that slept
 *                    meanwhile may have added to the index; then the job itself
 *
 * What it adds to a job: `p`, the partition to go on with, and `emptied`, when nothing was left for the first time (ms).
 */

import { requireFormat } from '../log/format.ts'
import { headKey, jobKey, jobsPk } from '../log/keys.ts'
import { headsAtOnce, jobFormat, listTopics, type Topic } from '../log/topics.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { equals, type Patch, type Row, set } from '../store/items.ts'
import { type Removed, removeDeadPartition } from './dead-partition.ts'

export type JobsReport = Removed & {
  finished: number
  /** Jobs that could not be worked off for an error of their own; the others are. */
  failed: number
  /** The first such error. */
  error?: unknown
  /** How old the oldest job is that still has something to remove. */
  backlogMs: number
}

const jobsAPage = 100
/** Whoever was at it has long given up: an append, and the creation of a topic, take seconds. */
const sleptMs = 60 * 60_000
const saveEveryPartitions = 50

/** @throws StoreError where the jobs cannot be read. */
export async function workOffJobs(core: Core, timeIsUp: () => boolean): Promise<JobsReport> {
  const report: JobsReport = { entries: 0, blobs: 0, bytes: 0, producers: 0, finished: 0, failed: 0, backlogMs: 0 }
  const topics = new Map<string, Topic>()
  for (let after = ''; ; ) {
    const rows = await core.items.query({ pk: jobsPk, from: `${after}\0`, limit: jobsAPage })
    if (rows.length > 0 && topics.size === 0) for (const topic of await listTopics(core)) topics.set(topic.id, topic)
    for (const row of rows) await lookAt(core, row, topics, timeIsUp, report)
    if (rows.length < jobsAPage) return report
    after = rows.at(-1)?.sk ?? after
  }
}

type Job = {
  readonly id: string
  readonly kind: string
  readonly topicId: string
  readonly partitions: number
  readonly atMs: number
  /** The partition to go on with. */
  readonly from: number
  readonly emptiedMs: number | undefined
}

function readJob({ sk, item }: Row): Job {
  requireFormat('job', sk, item.v, jobFormat)
  return {
    id: sk,
    kind: String(item.kind),
    topicId: String(item.id),
    partitions: Number(item.n),
    atMs: Number(item.at),
    from: Number(item.p ?? 0),
    emptiedMs: item.emptied === undefined ? undefined : Number(item.emptied),
  }
}

async function lookAt(
  core: Core,
  row: Row,
  topics: ReadonlyMap<string, Topic>,
  timeIsUp: () => boolean,
  report: JobsReport,
): Promise<void> {
  try {
    const job = readJob(row)
    const dead = await toDelete(core, job, topics)
    if (dead === 'done') {
      await finish(core, job, report)
    } else if (dead === 'delete') {
      await workOff(core, job, timeIsUp, report)
    }
  } catch (error) {
    report.failed++
    report.error ??= error
  }
}

/** What is to become of the job now. Takes one over that nobody is at any more. */
async function toDelete(core: Core, job: Job, topics: ReadonlyMap<string, Topic>): Promise<'delete' | 'wait' | 'done'> {
  const nowMs = core.clock.now()
  const named = topics.get(job.topicId)
  switch (job.kind) {
    case 'delete-topic':
      return job.emptiedMs === undefined || nowMs - job.emptiedMs >= sleptMs ? 'delete' : 'wait'
    case 'add-partitions':
      if (named && named.partitions >= job.partitions) return 'done'
      // Its topic may have been created after the list was read, never deleted and listed: ids come once.
      if (named || nowMs - job.atMs < sleptMs) return 'wait'
      return takeOver(core, job)
    case 'create-topic':
      // A late copy of what was written first brings the job of a finished topic back.
      if (named) return 'done'
      return nowMs - job.atMs < sleptMs ? 'wait' : takeOver(core, job)
    default:
      return 'wait'
  }
}

async function takeOver(core: Core, job: Job): Promise<'delete' | 'wait'> {
  const patches = [set('kind', 'delete-topic')]
  const { applied } = await core.items.update(jobKey(job.id), { patches, if: equals('kind', job.kind) })
  return applied ? 'delete' : 'wait'
}

async function workOff(core: Core, job: Job, timeIsUp: () => boolean, report: JobsReport): Promise<void> {
  const ids = Array.from({ length: job.partitions }, (_, partition) => ({ topicId: job.topicId, partition }))
  // A job that never went on: whoever wrote it may have died before all heads were gone.
  if (job.from === 0) await inParallel(headsAtOnce, ids, (id) => core.items.delete(headKey(id)))
  for (const id of ids.slice(job.from)) {
    if (!(await removeDeadPartition(core, id, timeIsUp, report))) {
      await note(core, job, set('p', id.partition))
      report.backlogMs = Math.max(report.backlogMs, core.clock.now() - job.atMs)
      return
    }
    if (id.partition % saveEveryPartitions === saveEveryPartitions - 1)
      await note(core, job, set('p', id.partition + 1))
  }
  if (job.emptiedMs !== undefined) return finish(core, job, report)
  await note(core, job, set('emptied', core.clock.now()), set('p', 0))
}

/** Not for a job that another run has ended meanwhile: it would come back as one without a kind. */
const note = (core: Core, job: Job, ...patches: Patch[]) =>
  core.items.update(jobKey(job.id), { patches, if: equals('kind', 'delete-topic') })

/** A late copy must not end the job that comes after this one: a topic's deletion bears the name of its creation. */
async function finish(core: Core, job: Job, report: JobsReport): Promise<void> {
  await core.items.delete(jobKey(job.id), equals('kind', job.kind))
  report.finished++
}
