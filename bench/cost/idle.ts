/** REST consumers, members of one group, whose polls find nothing: what one of them costs a month, Lambda and API Gateway included. */
import { openAccess } from '../../src/http/access.ts'
import { consumerRoutes, pollRoutes } from '../../src/http/consumers/routes.ts'
import type { HttpReply, HttpRequest, RouteHandler } from '../../src/http/request.ts'
import { createTopic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { simulation } from './fetching.ts'
import { dollars } from './prices.ts'
import { anotherProcess, tickMs } from './setup.ts'
import { dollarsAMillion, newTally, type Tally, tallied } from './tally.ts'

/** `timeoutMs`: of each poll; `everyMs`: from the end of one to the beginning of the next. */
export type Polling = { readonly name: string; readonly timeoutMs: number; readonly everyMs: number }

export const pollings: readonly Polling[] = [
  { name: 'timeout 1 s, one after the other', timeoutMs: 1_000, everyMs: 0 },
  { name: 'timeout 5 s, one after the other', timeoutMs: 5_000, everyMs: 0 },
  { name: 'timeout 20 s, one after the other', timeoutMs: 20_000, everyMs: 0 },
  { name: 'timeout 0, once a second', timeoutMs: 0, everyMs: 1_000 },
  { name: 'timeout 0, once a minute', timeoutMs: 0, everyMs: 60_000 },
]

export type Idle = {
  readonly polling: Polling
  readonly polls: Tally
  readonly writesAnHour: number
  /** Dollars a month of 730 hours. */
  readonly stores: number
  readonly lambda: number
  readonly gateway: number
}

const members = 3
const simulatedMs = 10 * 60_000
const monthMs = 730 * 3_600_000
/** Of the function that polls, as deployed by default. */
const memoryGb = 0.5
/** What a call takes beside the stores' calls and the wait: decoding, the runtime. */
const ownMs = 2

const instances = '/consumers/{group}/instances/{instance}'

async function called(
  core: Core,
  handlers: Readonly<Record<string, RouteHandler>>,
  route: string,
  instance: string,
  { body, query = {} }: { readonly body?: object; readonly query?: Readonly<Record<string, string>> },
): Promise<HttpReply> {
  const request: HttpRequest = {
    route,
    params: { group: 'billing', instance },
    query,
    headers: body
      ? { 'content-type': 'application/vnd.kafka.v2+json' }
      : { accept: 'application/vnd.kafka.json.v2+json' },
    body: Buffer.from(body ? JSON.stringify(body) : ''),
    principal: 'bench',
    access: openAccess,
    origin: 'https://bench',
  }
  const handler = handlers[route]
  if (!handler) throw new Error(`no route ${route}`)
  return handler(core, request)
}

/** Three members, a partition each, nothing ever sent: ten minutes of polls, after those in which they joined. */
export async function idle(polling: Polling): Promise<Idle> {
  const { simulated, core } = simulation()
  const polls = newTally()
  let elapsedMs = 0
  let spentMs = 0
  await simulated.run(async () => {
    await createTopic(core, { name: 'bench', partitions: members })
    const one = async (name: string) => {
      const own = anotherProcess(core)
      await called(own, consumerRoutes, 'POST /consumers/{group}', name, { body: { name, format: 'json' } })
      await called(own, consumerRoutes, `POST ${instances}/subscription`, name, { body: { topics: ['bench'] } })
      const poll = async (metered: Core, timeoutMs: number) => {
        const query = { timeout: String(timeoutMs) }
        const { status, body } = await called(metered, pollRoutes, `GET ${instances}/records`, name, { query })
        if (status !== 200 || body !== '[]') throw new Error(`a poll was answered ${status}: ${body}`)
      }
      // Joins, and settles.
      for (let count = 0; count < 10; count++) await poll(own, 2_000)
      const beganMs = own.clock.uptime()
      while (own.clock.uptime() - beganMs < simulatedMs) {
        const polledMs = own.clock.uptime()
        await tallied(polls, own, tickMs, 0, (metered) => poll(metered, polling.timeoutMs))
        spentMs += own.clock.uptime() - polledMs + ownMs
        if (polling.everyMs > 0) await own.clock.sleep(polling.everyMs)
      }
      elapsedMs += own.clock.uptime() - beganMs
    }
    await Promise.all(Array.from({ length: members }, (_, at) => one(`c${at}`)))
  })
  const aMonth = (polls.requests / elapsedMs) * monthMs
  const gigabyteSeconds = (spentMs / elapsedMs) * (monthMs / 1_000) * memoryGb
  return {
    polling,
    polls,
    writesAnHour: (polls.writeUnits / elapsedMs) * 3_600_000,
    stores: (aMonth / 1e6) * dollarsAMillion(polls),
    lambda: (aMonth / 1e6) * dollars.aMillionInvocations + gigabyteSeconds * dollars.aGigabyteSecond,
    gateway: (aMonth / 1e6) * dollars.aMillionHttpApiCalls,
  }
}
