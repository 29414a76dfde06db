/**
 * Fetches that wait do so here, not in a function that is paid for while it waits: the far end is asked without waiting, and what
 * it has not yet is watched for.
 */
import type { Peer } from '../broker/caller.ts'
import type { IncomingRequest } from '../protocol/frame.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Asking } from './asking.ts'
import { type AskedFetch, type FetchAnswer, readFetch, readFetchAnswer } from './fetch-frames.ts'
import type { Watch } from './watch.ts'

export type Fetches = {
  /** The answer, without its length. Rejects with FarEndError. */
  answer(peer: Peer, incoming: IncomingRequest): Promise<Buffer>
}

/** Answers without records that are kept, to be given again while nothing has changed. */
const keptMax = 1_000

export function fetches({ ask }: Asking, watch: Watch, clock: Clock): Fetches {
  const kept = new Map<string, FetchAnswer>()

  const askNow = async (asked: AskedFetch, signal: AbortSignal): Promise<FetchAnswer> => {
    const askedMs = clock.uptime()
    const { frame } = await ask(asked.frame, true, signal)
    const answer = readFetchAnswer(asked.version, frame ?? Buffer.alloc(0))
    watch.saw(answer, askedMs)
    return answer
  }

  /** A consumer that finds nothing asks the same again at once: what was seen a moment ago holds for it too. */
  const current = (asked: AskedFetch): FetchAnswer | undefined => {
    const answer = kept.get(asked.key)
    return answer && watch.isCurrent(answer.highs) ? answer : undefined
  }

  const keep = (asked: AskedFetch, answer: FetchAnswer): void => {
    kept.delete(asked.key)
    if (answer.bytes > 0 || answer.isFailed || asked.maxWaitMs === 0) return
    kept.set(asked.key, answer)
    for (const oldest of kept.keys()) {
      if (kept.size <= keptMax) break
      kept.delete(oldest)
    }
  }

  return {
    async answer({ signal }, incoming) {
      const asked = readFetch(incoming)
      const untilMs = clock.uptime() + asked.maxWaitMs
      let answer = (asked.maxWaitMs > 0 ? current(asked) : undefined) ?? (await askNow(asked, signal))
      while (!isEnough(asked, answer) && clock.uptime() < untilMs && !signal.aborted) {
        const news = await watch.wait(asked, untilMs, signal)
        if (!news) break
        answer = news.answer ?? (await askNow(asked, signal))
      }
      keep(asked, answer)
      return withCorrelationId(answer.frame, incoming.correlationId)
    },
  }
}

const isEnough = ({ minBytes }: AskedFetch, { bytes, isFailed }: FetchAnswer): boolean => isFailed || bytes >= minBytes

/** A copy: others may be given the same answer. */
function withCorrelationId(frame: Buffer, correlationId: number): Buffer {
  const copy = Buffer.from(frame)
  copy.writeInt32BE(correlationId)
  return copy
}
