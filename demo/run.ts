/** The demo from end to end: a topic, the flights in, the flights out, the verdict. */
import { randomBytes } from 'node:crypto'
import { type History, judge, type Place } from './check.ts'
import { killChildren } from './child.ts'
import { type Consumed, consumeAll } from './consume.ts'
import { type NumberedFlight, readFlights } from './flights.ts'
import { type Produced, produceAll } from './produce.ts'
import { progress, shown } from './progress.ts'
import { connect, insist, isApiGateway, type Rest, type Target } from './rest.ts'

export type DemoOptions = {
  readonly url: string
  /** Whether calls are signed (Signature Version 4). By default: at API Gateways. */
  readonly sign?: boolean
  /** Leaves the topic, which is deleted otherwise where all went well. */
  readonly keep?: boolean
  readonly print: (line: string) => void
}

const partitions = 6
/** Historical records: no age is too old to be kept, none too far from the clock to be taken. */
const configs = [
  { name: 'retention.ms', value: '-1' },
  { name: 'message.timestamp.before.max.ms', value: '9223372036854775807' },
  { name: 'message.timestamp.after.max.ms', value: '9223372036854775807' },
]

/** Runs the demo against a server and prints the outcome. Resolves with the number of checks that failed. */
export async function runDemo({ url, sign, keep = false, print }: DemoOptions): Promise<number> {
  const target = { url, signed: sign ?? isApiGateway(url) }
  const rest = await connect(target)
  const flights = readFlights()
  const topic = `flights-${randomBytes(4).toString('hex')}`
  const topics = await createTopic(rest, topic)
  print(`Millrace at ${url}${target.signed ? ' (calls are signed)' : ''}, topic ${topic}, ${partitions} partitions`)

  try {
    const failed = await judged(target, rest, topic, flights, print)
    // After a failure the topic is there to be looked into.
    if (failed === 0 && !keep) await insist(() => rest('DELETE', `${topics}/${topic}`))
    return failed
  } finally {
    killChildren()
  }
}

async function judged(
  target: Target,
  rest: Rest,
  topic: string,
  flights: readonly NumberedFlight[],
  print: (line: string) => void,
): Promise<number> {
  const produced = await produceAll(target, topic, flights, progress('sent', flights.length, print))
  const ends = await Promise.all(Array.from({ length: partitions }, (_, partition) => endOf(rest, topic, partition)))
  const consumed = await consumeAll(target, rest, topic, ends, progress('read', flights.length, print))
  const { acknowledged } = produced
  return report({ flights, acknowledged, sessions: consumed.sessions }, produced, consumed, print)
}

/** Creates the topic; returns the path of the cluster's topics. */
async function createTopic(rest: Rest, topic: string): Promise<string> {
  // The first call is made once: where nobody answers, the address is wrong. The cast: the contract's answer.
  const { data } = (await rest('GET', '/v3/clusters')) as { data: { cluster_id: string }[] }
  const topics = `/v3/clusters/${data[0]?.cluster_id}/topics`
  const headers = { 'content-type': 'application/json' }
  await rest('POST', topics, { headers, body: { topic_name: topic, partitions_count: partitions, configs } })
  return topics
}

async function endOf(rest: Rest, topic: string, partition: number): Promise<Place> {
  const answer = await insist(() => rest('GET', `/topics/${topic}/partitions/${partition}/offsets`))
  // The cast: the contract's answer.
  return { partition, offset: (answer as { end_offset: number }).end_offset }
}

function report(history: History, produced: Produced, consumed: Consumed, print: (line: string) => void): number {
  const verdict = judge(history)
  const total = history.flights.length
  const keys = new Set(history.flights.map(({ key }) => key)).size
  const line = (name: string, value: number, remark = '') =>
    print(`  ${name.padEnd(24)}${shown(value).padStart(8)}${remark && `   ${remark}`}`)
  const rate = (seconds: number, how: string) => `in ${seconds.toFixed(1)} s, ${how}, with a kill in between`
  print('')
  line('records in', verdict.recordsIn, `${produced.batches} batches; ${produced.repeated} acknowledged again`)
  line('distinct out', verdict.distinctOut)
  line('read twice', verdict.readTwice, 'redelivered after the kill, from the committed positions on')
  line('lost', verdict.lost)
  line('doubled in the log', verdict.doubled)
  line('altered', verdict.altered, 'key, timestamp, value, or the place acknowledged')
  line('order violations', verdict.orderViolations, `of ${keys} keys`)
  line('positions lost', verdict.positionsLost)
  const { moved } = consumed
  line(
    'partitions taken over',
    moved.partitions,
    `within ${moved.seconds.toFixed(1)} s of the kill, session time-out 6 s`,
  )
  line('records/s in', Math.round(total / produced.seconds), rate(produced.seconds, `${produced.producers} producers`))
  line(
    'records/s out',
    Math.round(total / consumed.seconds),
    rate(consumed.seconds, `${consumed.readers} members of a group`),
  )
  print('')
  for (const example of verdict.examples) print(`  ${example}`)
  const checks: readonly (readonly [what: string, holds: boolean])[] = [
    ['every flight was acknowledged', verdict.recordsIn === total],
    ['every flight was read', verdict.distinctOut === total && verdict.lost === 0],
    ['none is in the log twice', verdict.doubled === 0],
    ['each came back as it was sent, from where it was acknowledged', verdict.altered === 0],
    ['each key is in the order in which each producer sent it', verdict.orderViolations === 0],
    ['every partition was read on where the group had committed', verdict.positionsLost === 0],
    ['one producer was killed and replaced', produced.killed === 1],
    ['one member of the group was killed, and the others took over', consumed.killed === 1 && moved.partitions > 0],
  ]
  for (const [what, holds] of checks) print(`${holds ? 'ok    ' : 'FAILED'} ${what}`)
  const failed = checks.filter(([, holds]) => !holds).length
  print(`${checks.length - failed} passed, ${failed} failed`)
  return failed
}
