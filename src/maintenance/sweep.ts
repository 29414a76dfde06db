/**
 * The sweep: blobs that nobody names go. A writer that died between storing and appending leaves one, and so does the roll of a blob
 * that several partitions have batches in. A pass looks at what was made since the oldest that the last one kept, and is at least an
 * hour old; it begins once a day if anything was written since, or as soon as a million records were (docs/decisions/0019-sweep.md).
 *
 * Each slice first lists, then asks who is named (named-blobs.ts), then deletes what is not. Nothing rests on times: what is young is
 * left out so that nobody has to append again whose blob was swept while it was on its way.
 */
import { blobIdTextMs, firstBlobIdText } from '../log/blob-id.ts'
import { newestStamp } from '../log/head.ts'
import {
  blobHourMs,
  blobItemShards,
  blobItemsPk,
  blobObjectPrefixes,
  blobObjectsPrefix,
  lastPart,
} from '../log/keys.ts'
import { readHeads } from '../log/plan.ts'
import { stampMs } from '../log/stamp.ts'
import { listTopics } from '../log/topics.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import type { Key } from '../store/items.ts'
import { claimBucket } from './bucket-mark.ts'
import { namedBlobs } from './named-blobs.ts'
import { readSweep, type SweepState, saveSweep } from './sweep-state.ts'

export type SweepReport = {
  /** Blobs and segment objects that nobody named. */
  sweptBlobs: number
  sweptBytes: number
  /** What was made since the last pass, and is old enough to be looked at: how old the oldest of it may be (ms). */
  backlogMs: number
  error?: unknown
}

export const sweepAgeMs = 60 * 60_000
const lookEveryMs = 60 * 60_000
const passEveryMs = 24 * 60 * 60_000
const passEveryRecords = 1_000_000
/** Of each of the 256 prefixes at once: some 100,000 names are held in memory. */
const objectsAPrefix = 400
const itemsAtOnce = 50_000
const prefixesAtOnce = 16
const shardsAtOnce = 8
const itemsAPage = 100
const objectsADelete = 1_000
/** Hours that are looked at again; of older ones what was left stays. */
const leftMost = 2_000

/** Goes on with the pass that is open, or begins one that is due. Trouble is told in the report. */
export async function sweep(core: Core, timeIsUp: () => boolean): Promise<SweepReport> {
  const report: SweepReport = { sweptBlobs: 0, sweptBytes: 0, backlogMs: 0 }
  try {
    const found = await readSweep(core)
    const opened = found && found.toMs > 0 ? found : await begin(core, found)
    if (opened && opened.toMs > 0) await pass(core, opened, timeIsUp, report)
  } catch (error) {
    report.error = error
  }
  return report
}

/** Opens a pass where one is due. An hour without anything to do costs one read a run and one look at all heads. */
async function begin(core: Core, before: SweepState | undefined): Promise<SweepState | undefined> {
  const nowMs = core.clock.now()
  if (before && nowMs - before.lookedMs < lookEveryMs && nowMs >= before.lookedMs) return undefined
  const { written, newestMs, createdMs } = await lookAtHeads(core)
  const state = before ?? fresh(Math.min(nowMs, createdMs))
  const isDue =
    written !== state.written &&
    (nowMs - state.passMs >= passEveryMs || Math.abs(written - state.written) >= passEveryRecords)
  // By the newest stamps, too: a clock that runs years ahead must close nothing to writers whose clocks are right.
  const toMs = wholeHours(Math.min(nowMs, newestMs) - sweepAgeMs)
  if (!isDue || toMs <= state.fromMs) return saveSweep(core, { ...state, lookedMs: nowMs })
  await claimBucket(core)
  return saveSweep(core, {
    ...state,
    lookedMs: nowMs,
    passMs: nowMs,
    written,
    toMs,
    atMs: state.fromMs,
    keptMs: toMs,
  })
}

const wholeHours = (ms: number): number => Math.floor(ms / blobHourMs) * blobHourMs

/** Before the first topic nothing was stored. */
function fresh(createdMs: number): SweepState {
  const fromMs = wholeHours(createdMs - sweepAgeMs)
  return {
    rev: undefined,
    lookedMs: 0,
    passMs: 0,
    written: 0,
    fromMs,
    toMs: 0,
    atMs: 0,
    keptMs: 0,
    itemsMs: fromMs,
    left: [],
  }
}

async function lookAtHeads(core: Core) {
  let [written, newestMs, createdMs] = [0, 0, Number.MAX_SAFE_INTEGER]
  for (const topic of await listTopics(core)) {
    createdMs = Math.min(createdMs, topic.createdMs)
    const ids = Array.from({ length: topic.partitions }, (_, partition) => ({ topicId: topic.id, partition }))
    for (const head of await readHeads(core, ids)) {
      if (!head) continue
      written += head.next
      newestMs = Math.max(newestMs, stampMs(newestStamp(head)))
    }
  }
  return { written, newestMs, createdMs }
}

async function pass(core: Core, opened: SweepState, timeIsUp: () => boolean, report: SweepReport): Promise<void> {
  let state: SweepState | undefined = opened
  while (state && state.atMs < state.toMs && !timeIsUp()) {
    state = await saveSweep(core, await sweepObjects(core, state, report))
  }
  while (state && state.atMs >= state.toMs && state.itemsMs < state.toMs && !timeIsUp()) {
    state = await saveSweep(core, await sweepHour(core, state, report))
  }
  if (state && state.atMs >= state.toMs && state.itemsMs >= state.toMs && !timeIsUp()) {
    const left = await sweepLeft(core, state.left, report)
    state = await saveSweep(core, { ...state, left, fromMs: state.keptMs, toMs: 0 })
  }
  if (state && state.toMs > 0) report.backlogMs = Math.max(0, core.clock.now() - Math.min(state.atMs, state.itemsMs))
}

/** One slice of blob objects: as many as memory holds. */
async function sweepObjects(core: Core, state: SweepState, report: SweepReport): Promise<SweepState> {
  const { atMs } = state
  const after = firstBlobIdText(atMs)
  const prefixes = Array.from({ length: blobObjectPrefixes }, (_, prefix) => blobObjectsPrefix(prefix))
  const pages = await inParallel(prefixesAtOnce, prefixes, (prefix) =>
    core.objects.list(prefix, { after: `${prefix}${after}`, limit: objectsAPrefix }),
  )
  let endMs = state.toMs
  for (const page of pages) {
    const last = page.at(-1)
    // More than a page: the others of this prefix come with the next slice.
    if (last && page.length === objectsAPrefix) endMs = Math.min(endMs, Math.max(atMs + 1, bornMs(last.key)))
  }
  const listed = pages.flat().filter(({ key }) => bornMs(key) < endMs)
  let { keptMs } = state
  if (listed.length > 0) {
    const named = await namedBlobs(core, { fromMs: atMs, toMs: endMs })
    // Stored a while ago by the store's clock too: its writer's may be behind.
    const youngMs = core.clock.now() - sweepAgeMs
    const dead = listed.filter(({ key, modifiedMs }) => !named.has(lastPart(key)) && modifiedMs < youngMs)
    const gone = new Set(dead)
    for (const one of listed) if (!gone.has(one)) keptMs = Math.min(keptMs, bornMs(one.key))
    for (let at = 0; at < dead.length; at += objectsADelete) {
      await core.objects.delete(dead.slice(at, at + objectsADelete).map(({ key }) => key))
    }
    report.sweptBlobs += dead.length
    report.sweptBytes += dead.reduce((sum, { size }) => sum + size, 0)
  }
  return { ...state, atMs: endMs, keptMs }
}

const bornMs = (key: string): number => blobIdTextMs(lastPart(key))

/** One hour of blob items. */
async function sweepHour(core: Core, state: SweepState, report: SweepReport): Promise<SweepState> {
  const hour = Math.floor(state.itemsMs / blobHourMs)
  const births = { fromMs: hour * blobHourMs, toMs: (hour + 1) * blobHourMs }
  const kept = await sweepItems(core, hour, () => namedBlobs(core, births), report)
  const left = kept > 0 ? [...state.left, hour].slice(-leftMost) : state.left
  return { ...state, itemsMs: births.toMs, left }
}

/** Hours in which something was named when they were looked at, and nothing is any more: what is left of them goes. */
async function sweepLeft(core: Core, left: readonly number[], report: SweepReport): Promise<readonly number[]> {
  const [first, last] = [left[0], left.at(-1)]
  if (first === undefined || last === undefined) return left
  const names = await namedBlobs(core, { fromMs: first * blobHourMs, toMs: (last + 1) * blobHourMs })
  const hoursNamed = new Set([...names].map((name) => Math.floor(blobIdTextMs(name) / blobHourMs)))
  for (const hour of left) if (!hoursNamed.has(hour)) await sweepItems(core, hour, async () => names, report)
  return left.filter((hour) => hoursNamed.has(hour))
}

/** Gives how many were kept. Those that the store forgets by itself are left to it. */
async function sweepItems(
  core: Core,
  hour: number,
  named: () => Promise<ReadonlySet<string>>,
  report: SweepReport,
): Promise<number> {
  const found: { key: Key; bytes: number }[] = []
  let kept = 0
  const judge = async () => {
    if (found.length === 0) return
    const names = await named()
    const dead = found.filter(({ key }) => !names.has(key.sk))
    await inParallel(prefixesAtOnce, dead, ({ key }) => core.items.delete(key))
    report.sweptBlobs += dead.length
    report.sweptBytes += dead.reduce((sum, { bytes }) => sum + bytes, 0)
    kept += found.length - dead.length
    found.length = 0
  }
  for (let shard = 0; shard < blobItemShards; shard += shardsAtOnce) {
    const some = Array.from({ length: shardsAtOnce }, (_, at) => blobItemsPk(hour, shard + at))
    await Promise.all(
      some.map(async (pk) => {
        for await (const one of lastingItems(core, pk)) found.push(one)
      }),
    )
    if (found.length >= itemsAtOnce) await judge()
  }
  await judge()
  return kept
}

async function* lastingItems(core: Core, pk: string): AsyncGenerator<{ key: Key; bytes: number }> {
  for (let after = ''; ; ) {
    const rows = await core.items.query({ pk, ...(after ? { from: `${after}\0` } : {}), limit: itemsAPage })
    for (const { sk, item } of rows) {
      if (item.ttl === undefined) yield { key: { pk, sk }, bytes: item.d instanceof Uint8Array ? item.d.length : 0 }
    }
    if (rows.length < itemsAPage) return
    after = rows.at(-1)?.sk ?? after
  }
}
