/**
 * `npm run bench:kafka`: Millrace and Apache Kafka side by side on this machine, as ratios, for a machine's own speed and its other
 * work fall out of them. Needs what the lane of Kafka clients needs for kcat, Python and Node, and Java and Maven for Kafka.
 *
 * `--quick`: two pairs of fewer records; `--report`: exit code 0 whatever the ratios; `--profile DIR`: Millrace writes a CPU profile.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { arch, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { acksOptions, type Clients, clientsIn, kafkajsOptions } from './clients.ts'
import { idleConnections } from './idle.ts'
import { type Measure, type Pair, percentile, ratioText, resultOf } from './ratios.ts'
import { type Server, startKafka, startMillrace } from './servers.ts'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    profile: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})

const partitions = 6
const pairs = flags.quick ? 2 : 5
const acksCount = flags.quick ? 100 : 200
const scale = flags.quick ? 0.5 : 1

type Load = { readonly client: string; readonly bytes: number; readonly count: number }
const loads: readonly Load[] = [
  { client: 'librdkafka', bytes: 100, count: 900_000 * scale },
  { client: 'librdkafka', bytes: 1_000, count: 150_000 * scale },
  { client: 'KafkaJS', bytes: 100, count: 150_000 * scale },
  { client: 'KafkaJS', bytes: 1_000, count: 60_000 * scale },
].filter(({ client, bytes }) => `${client} ${bytes}`.includes(flags.only))

/** The ratios that are to hold; the other ones are only told. */
const targets: { readonly [measure: string]: number } = {
  'librdkafka 100 B produce': 0.7,
  'librdkafka 1000 B produce': 0.4,
  'librdkafka 100 B consume': 0.7,
  'librdkafka 1000 B consume': 0.7,
  'acknowledgement p50': 3,
}

const measures = new Map<string, Measure>()

function record(name: string, unit: Measure['unit'], place: keyof Pair, round: number, value: number): void {
  const target = targets[name]
  const measure = measures.get(name) ?? { name, unit, pairs: [], ...(target ? { target } : {}) }
  measures.set(name, measure)
  const pair = measure.pairs[round] ?? {}
  measure.pairs[round] = { ...pair, [place]: value }
}

type Sides = { readonly kafka: Server; readonly millrace: Server }
const places = ['kafka', 'millrace'] as const

/** One pair of each measure, its two halves one right after the other; a round below 0 warms up. */
async function visit(clients: Clients, sides: Sides, round: number): Promise<void> {
  const pair = async (name: string, unit: Measure['unit'], measure: (server: Server) => Promise<number>) => {
    for (const place of places) {
      const value = await measure(sides[place])
      if (round >= 0) record(name, unit, place, round, value)
    }
    const { kafka = 0, millrace = 0 } = measures.get(name)?.pairs[round] ?? {}
    if (kafka > 0) process.stderr.write(`${round + 1}/${pairs} ${name} ${(millrace / kafka).toFixed(2)} ×\n`)
  }
  const onBoth = async (work: (broker: string) => Promise<void>) => {
    for (const place of places) await work(sides[place].broker)
  }
  for (const { client, bytes, count } of loads) {
    const topic = `${client}-${bytes}-${round}`
    const { produce, consume } = clients.throughput[client] ?? {}
    if (!produce || !consume) throw new Error(`no client ${client}`)
    await onBoth((broker) => clients.create(broker, topic, partitions))
    await pair(`${client} ${bytes} B produce`, 'records/s', ({ broker }) => produce(broker, topic, bytes, count))
    await pair(`${client} ${bytes} B consume`, 'records/s', ({ broker }) => consume(broker, topic, count))
    await onBoth((broker) => clients.delete(broker, topic))
  }
  const topic = `acks-${round}`
  await onBoth((broker) => clients.create(broker, topic, partitions))
  const late: number[] = []
  await pair('acknowledgement p50', 'ms', async ({ broker }) => {
    const waits = await clients.acks(broker, topic, acksCount)
    late.push(percentile(waits, 0.99))
    return percentile(waits, 0.5)
  })
  await pair('acknowledgement p99', 'ms', async () => late.shift() ?? Number.NaN)
}

function printSettings({ versions }: Clients): void {
  const sizes = loads.map(({ client, bytes, count }) => `${client} ${count} of ${bytes} B`).join(', ')
  console.log(`${cpus().length} × ${cpus()[0]?.model.trim()}, ${arch}, Node ${process.version}; ${versions}
Millrace: the built \`millrace start --data\`, everything synced to disk before it is acknowledged.
Apache Kafka 4.1.0: one node, its own server.properties and JVM flags, which sync nothing.
Both run all the time, on the same disk; ${pairs} pairs of each figure, Kafka and Millrace in turn, after one to warm up. Medians.
Topics of ${partitions} partitions. Clients by their own defaults (librdkafka: acks=all, linger 5 ms, no idempotence, no compression); KafkaJS:
${kafkajsOptions.atOnce} sends of ${kafkajsOptions.aSend} records at a time. Each time ${sizes}.
Acknowledgements: ${acksCount} records of ${acksOptions.bytes} B through confluent-kafka, one every ${acksOptions.pauseMs} ms with linger 0.
`)
}

async function main(): Promise<void> {
  const beganMs = Date.now()
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const running: Server[] = []
  try {
    const clients = await clientsIn(folder)
    const started = async (server: Promise<Server>) => {
      running.push(await server)
      return server
    }
    const profile = flags.profile ? ['--cpu-prof', `--cpu-prof-dir=${flags.profile}`] : []
    const kafka = await started(startKafka(join(folder, 'kafka')))
    const millrace = await started(startMillrace(join(folder, 'millrace'), profile))
    for (const { broker } of running) await clients.ready(broker)
    printSettings(clients)
    for (let round = -1; round < pairs; round++) await visit(clients, { kafka, millrace }, round)
    const fresh = await started(startMillrace(join(folder, 'idle')))
    const idle = await idleConnections(fresh, flags.quick ? 5_000 : 10_000)
    const results = [...[...measures.values()].map(resultOf), ...idle]
    for (const result of results) console.log(ratioText(result))
    const missed = results.filter(({ holds }) => holds === false).length
    console.log(`\n${missed} targets missed (${Math.round((Date.now() - beganMs) / 1_000)} s)`)
    process.exitCode = missed === 0 || flags.report ? 0 : 1
  } finally {
    await Promise.all(running.map((server) => server.stop()))
    await rm(folder, { recursive: true, force: true })
  }
}

await main()
