/**
 * GET …/records. Records are read first; then one conditional update moves the positions past them, and only then are they
 * answered: none is skipped. A poll that finds nothing new writes nothing, but for what is due (auto commit, heartbeat).
 *
 * A client that gives up on a poll and sends it again may meet its own first poll, still running in another place. So a poll that
 * finds positions moved by one that began before it goes back to those it began with, and hands the records out again; one that
 * finds them moved by a later poll hands out nothing, for nobody listens to it any more.
 */
import type { Core } from '../../runtime/core.ts'
import { handOut, recordsReply } from '../handed-records.ts'
import { replyBytesWanted, waitMsMax } from '../limits.ts'
import { type EmbeddedFormat, recordsFormat } from '../media-types.ts'
import { queryNumber } from '../query.ts'
import { type HttpReply, type HttpRequest, param } from '../request.ts'
import { autoCommit, isCommitDue } from './committing.ts'
import { readInstance } from './instance.ts'
import type { Instance } from './instance-item.ts'
import { compareTopics, join } from './membership.ts'
import { saveMoves, takeBack } from './moves.ts'
import { requireReadable } from './readable.ts'
import { readOnce } from './reading.ts'
import { type Found, isUpkeepDue, readStanding, type Standing, standing, untilNews } from './standing.ts'

/** How often a poll begins anew after its time is up, because positions were moved by a rival call, or were out of range. */
const lateAttemptsMax = 3
/** API Gateway gives up on an answer after 30 s: whatever comes then is heard by nobody. */
const unheardAfterMs = 29_000

type Poll = {
  readonly request: HttpRequest
  readonly format: EmbeddedFormat
  readonly maxBytes: number
  readonly beganMs: number
  readonly untilUptimeMs: number
  readonly waits: boolean
  /** Whether anybody still waits for the answer, as far as one can tell. */
  readonly isHeard: () => boolean
  readonly gone: AbortSignal
}

/** `timeout` (ms) is how long to wait for the first record, `max_bytes` how many bytes of keys and values to give at most. */
export async function poll(core: Core, request: HttpRequest): Promise<HttpReply> {
  const timeout = queryNumber(request, 'timeout', -1) ?? -1
  const maxBytes = queryNumber(request, 'max_bytes', -1) ?? -1
  const beganUptimeMs = core.clock.uptime()
  const beganMs = core.clock.now()
  const begun = await readStanding(core, param(request, 'group'), param(request, 'instance'))
  const format = recordsFormat(request, begun.instance.format, begun.instance.format)
  const waitMs = Math.min(timeout >= 0 ? timeout : begun.instance.timeoutMs, waitMsMax)
  const gone = request.caller?.gone ?? new AbortController().signal
  return pollFrom(core, begun, {
    request,
    format,
    maxBytes: maxBytes > 0 ? maxBytes : replyBytesWanted,
    beganMs,
    untilUptimeMs: beganUptimeMs + waitMs,
    waits: waitMs > 0,
    isHeard: () => !gone.aborted && core.clock.uptime() < beganUptimeMs + unheardAfterMs,
    gone,
  })
}

async function pollFrom(core: Core, begun: Found, poll: Poll): Promise<HttpReply> {
  let { stored, instance } = begun
  let stands: Standing | undefined = begun.standing
  const nothing = () => recordsReply(handOut(poll.format, 0))
  for (let lateAttempts = 0; poll.isHeard(); ) {
    const ready = await prepared(core, { stored, instance }, stands, poll)
    if (!ready) return nothing()
    stored = ready.stored
    instance = ready.instance
    const handed = handOut(poll.format, poll.maxBytes)
    const { round, news } = await readUntilNews(core, instance, handed, poll)
    if (!poll.isHeard()) return nothing()
    const isFinal = handed.texts.length > 0 || handed.refusal !== undefined
    const isLate = core.clock.uptime() >= poll.untilUptimeMs
    if (round.to.length > 0 || instance !== stored || isUpkeepDue(core, instance)) {
      const outcome = await saveMoves(core, instance, round.to, poll.beganMs)
      if (outcome === 'outdated') return nothing()
      if ('saved' in outcome && isFinal) {
        poll.request.caller?.ifUndelivered(() => takeBack(core, outcome.saved, instance))
        return recordsReply(handed)
      }
      if ('saved' in outcome && isLate && !round.again) return nothing()
      stored = 'saved' in outcome ? outcome.saved : outcome.goOnFrom
      instance = stored
    } else {
      if (isFinal) return recordsReply(handed)
      if (isLate || !(round.again || news)) {
        const missed = poll.waits ? await handedOutBefore(core, instance, poll.beganMs) : undefined
        if (!missed) return nothing()
        stored = missed
        instance = missed
      }
    }
    if (core.clock.uptime() >= poll.untilUptimeMs && ++lateAttempts > lateAttemptsMax) return nothing()
    stands = news?.standing
  }
  return nothing()
}

/**
 * The instance with a seat in its group, if it is subscribed, and with what earlier polls handed out committed, if that is due.
 * `stored`: as it is in the store; the same object where there is nothing to save. `undefined`: the group is not ready for it.
 */
async function prepared(
  core: Core,
  asked: Pick<Found, 'stored' | 'instance'>,
  stands: Standing | undefined,
  { request, untilUptimeMs, gone }: Poll,
): Promise<Pick<Found, 'stored' | 'instance'> | undefined> {
  await requireReadable(request.access, asked.instance)
  let { stored, instance } = asked
  if (instance.subscription) {
    const found = stands ? { instance, standing: stands } : await standing(core, instance)
    instance = await compareTopics(core, request.access, found.instance)
    if (found.standing === 'rejoin' || instance.rejoin) {
      const joined = await join(core, request.access, instance, { untilUptimeMs, signal: gone })
      if (!joined.seated) return undefined
      stored = joined.instance
      instance = stored
    }
  }
  if (isCommitDue(core, instance)) instance = await autoCommit(core, instance)
  return { stored, instance }
}

/** Reads until there are records or the time is up, or, of a member, until there is something to do for its membership. */
async function readUntilNews(core: Core, instance: Instance, handed: Parameters<typeof readOnce>[2], poll: Poll) {
  const leftMs = Math.max(0, poll.untilUptimeMs - core.clock.uptime())
  if (!instance.subscription || leftMs === 0) {
    return { round: await readOnce(core, instance, handed, leftMs, poll.gone), news: undefined }
  }
  const read = new AbortController()
  const heard = new AbortController()
  const watching = untilNews(core, instance, AbortSignal.any([read.signal, poll.gone])).then((news) => {
    heard.abort()
    return news
  })
  try {
    const round = await readOnce(core, instance, handed, leftMs, AbortSignal.any([heard.signal, poll.gone]))
    read.abort()
    return { round, news: await watching }
  } finally {
    read.abort()
    await watching
  }
}

/**
 * The instance with the positions of this poll, where a poll that began before it has moved them since: its client has given that
 * one up.
 */
async function handedOutBefore(core: Core, instance: Instance, beganMs: number): Promise<Instance | undefined> {
  const now = await readInstance(core, instance.group, instance.name)
  const isOutdone =
    now.epoch === instance.epoch && now.byMs < beganMs && !isAtSamePlaces(now.assigned, instance.assigned)
  return isOutdone ? { ...now, assigned: instance.assigned } : undefined
}

/** Both of one epoch, and so the same partitions. Not by `byMs`: two polls may have begun within one millisecond. */
const isAtSamePlaces = (now: Instance['assigned'], then: Instance['assigned']): boolean =>
  now.every(({ position }, at) => position === then[at]?.position)
