/** Idle Kafka consumers behind `millrace connect`: what they cost a month when nothing is produced. */
import { answerFrame } from '../../src/broker/answer-frame.ts'
import { newBroker } from '../../src/broker/broker.ts'
import { oneNode } from '../../src/broker/cluster-view.ts'
import type { FarEnd } from '../../src/connect/far-end.ts'
import { relay } from '../../src/connect/relay.ts'
import { createTopic } from '../../src/log/topics.ts'
import type { ApiName, apis } from '../../src/protocol/apis.ts'
import type { MessageIn } from '../../src/protocol/codec/message.ts'
import { readResponse, requestFrame } from '../../src/protocol/frame.ts'
import type { Core } from '../../src/runtime/core.ts'
import { simulation } from './fetching.ts'
import { dollars } from './prices.ts'
import { tickMs } from './setup.ts'
import { dollarsAMillion, newTally, type Tally, tallied } from './tally.ts'

/** Of librdkafka and the Java client: a fetch waits half a second, a member is heard of every three. */
const maxWaitMs = 500
const heartbeatMs = 3_000
const measuredMs = 10 * 60_000
const monthMs = 730 * 3_600_000
/** The function as it is deployed unless told otherwise, and a call without news. */
const memoryGb = 0.5
const callSeconds = 0.02

const { signal } = new AbortController()
const peer = { clientHost: '', connectionId: '', signal, waitMsMax: Number.POSITIVE_INFINITY }

type Idle = { readonly tally: Tally; readonly callsAMonth: number; readonly dollarsAMonth: number }

/** So many consumers of one group share one port; each has a partition. */
export async function idleConsumers(consumers: number, longestPauseMs: number): Promise<Idle> {
  const { simulated, core } = simulation()
  const tally = newTally()
  await simulated.run(async () => {
    await createTopic(core, { name: 'bench', partitions: consumers })
    const port = relay({ farEnd: counted(core, tally), clock: core.clock, longestPauseMs, tell: () => {} })
    const untilMs = core.clock.uptime() + measuredMs
    const call = async <Name extends ApiName>(
      name: Name,
      version: number,
      request: MessageIn<(typeof apis)[Name]['request']>,
    ) => {
      const frame = Buffer.concat(
        requestFrame(name, version, { correlationId: 1, clientId: 'bench' }, request),
      ).subarray(4)
      const answer = await port.answer(peer, frame)
      return readResponse(name, version, Buffer.concat(answer ?? []).subarray(4)).value
    }
    const consume = async (partition: number) => {
      const partitions = [{ partition, fetchOffset: 0, partitionMaxBytes: 1_048_576 }]
      while (core.clock.uptime() < untilMs) {
        await call('fetch', 12, { maxWaitMs, minBytes: 1, topics: [{ topic: 'bench', partitions }] })
      }
    }
    const beat = async (member: number) => {
      const joined = await call('joinGroup', 3, {
        groupId: `bench-${member}`,
        sessionTimeoutMs: 45_000,
        rebalanceTimeoutMs: 45_000,
        memberId: '',
        protocolType: 'bench',
        protocols: [{ name: 'none', metadata: new Uint8Array(0) }],
      })
      const who = { groupId: `bench-${member}`, generationId: joined.generationId, memberId: joined.memberId }
      await call('syncGroup', 3, { ...who, assignments: [] })
      while (core.clock.uptime() < untilMs) {
        const { errorCode } = await call('heartbeat', 4, who)
        if (errorCode !== 0) throw new Error(`a heartbeat was refused: ${errorCode}`)
        await core.clock.sleep(heartbeatMs)
      }
    }
    const all = Array.from({ length: consumers }, (_, one) => one)
    await Promise.all(all.flatMap((one) => [consume(one), beat(one)]))
  })
  const callsAMonth = (tally.requests * monthMs) / measuredMs
  const aMillion =
    dollarsAMillion(tally) +
    dollars.aMillionHttpApiCalls +
    dollars.aMillionInvocations +
    memoryGb * callSeconds * 1e6 * dollars.aGigabyteSecond
  return { tally, callsAMonth, dollarsAMonth: (callsAMonth / 1e6) * aMillion }
}

/** The function, without HTTP around it. */
function counted(core: Core, tally: Tally): FarEnd {
  const made = newBroker({ core, view: oneNode('localhost', 9092) })
  return {
    async send(frame) {
      const answer = await tallied(tally, core, tickMs, 0, (metered) =>
        answerFrame({ ...made, core: metered }, { ...peer, waitMsMax: 20_000 }, frame),
      )
      return { frame: answer && Buffer.concat(answer).subarray(4) }
    },
    close: () => {},
  }
}
