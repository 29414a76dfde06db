/** Every workload but the million appends, over stores in memory. Runs as a worker of its own and posts what it found. */
import { parentPort } from 'node:worker_threads'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { livingLong, workingBehind } from './aging.ts'
import { commit } from './committing.ts'
import { idleConsumers } from './connecting.ts'
import { coldLog, fetchAtEnd, fetchCold, lookUpByTime } from './fetching.ts'
import { grouping, idling } from './group-sections.ts'
import { produceIdempotently } from './idempotent.ts'
import { produce, produceWorkloads } from './produce.ts'
import { atMost, exactly, figure, type Limit, type Row, type Section } from './report.ts'
import { irregular, regular } from './shapes.ts'
import type { Tally } from './tally.ts'
import { contend } from './writers.ts'

export type Found = { readonly section?: Section; readonly limits: readonly Limit[] }

const entryCounts = [10, 1_000, 100_000]

const notASpill = (tally: Tally, spillTrips: number): number => tally.mostTrips - spillTrips

async function producing(): Promise<Found> {
  const run = async (name: keyof typeof produceWorkloads): Promise<Row> => {
    const workload = produceWorkloads[name]
    return { name: workload.name, tally: await produce(memoryStores(), workload) }
  }
  const [tiny, small] = [await run('tiny'), await run('small')]
  const rows = [tiny, small, await run('hundred'), await run('megabyte'), await run('hour')]
  const { requests, writeUnits, puts } = small.tally
  return {
    section: { title: 'Produce, one request at a time (a spill is part of the request that makes it)', rows },
    limits: [
      exactly('tiny request: round trips apart from the two of a spill', notASpill(tiny.tally, 2), 1),
      atMost('one 1 KB record a request: write units in all', writeUnits / requests, 3.6),
      exactly('one 1 KB record a request: S3 PUTs', puts, 0),
    ],
  }
}

/** 200 share the head; of 400 each one's state has left it before its turn comes. */
async function producingIdempotently(): Promise<Found> {
  const run = (producers: number, cold = false) =>
    produceIdempotently({ producers, cold, requests: 2_000, everyMs: 50, valueBytes: 100 })
  const [one, cold, some, many] = [await run(1), await run(1, true), await run(200), await run(400)]
  return {
    section: {
      title: 'Idempotent producers, 1 record of 100 B each in turn, on one partition',
      rows: [
        { name: '1 producer', tally: one.tally },
        { name: '1 producer, each time another process', tally: cold.tally },
        { name: '200 producers', tally: some.tally },
        { name: '400 producers', tally: many.tally },
      ],
      notes: [`the head, at most: ${one.headBytes}, ${some.headBytes} and ${many.headBytes} bytes`],
    },
    limits: [
      exactly('idempotent tiny request: round trips apart from a spill', notASpill(one.tally, 2), 1),
      exactly('the same by a process that knows nothing', notASpill(cold.tally, 2), 1),
      atMost('200 idempotent producers: round trips, spills included', some.tally.trips / some.tally.requests, 2),
      exactly('200 idempotent producers: round trips apart from a spill', notASpill(some.tally, 2), 1),
      exactly('400 idempotent producers: round trips apart from a spill', notASpill(many.tally, 2), 2),
      atMost('400 idempotent producers: bytes of the head, worst', many.headBytes, 6_144),
    ],
  }
}

async function fetchingAtEnd(): Promise<Found> {
  const tiny = await fetchAtEnd(100)
  const items = await fetchAtEnd(1_024)
  const objects = await fetchAtEnd(20_000)
  return {
    section: {
      title: 'Fetch at the end, after every append, by a process without a cache',
      rows: [
        { name: 'nothing new', tally: tiny.nothing },
        { name: 'a tiny record', tally: tiny.last },
        { name: 'a record of 1 KB (blob item)', tally: items.last },
        { name: 'a record of 20 KB (object)', tally: objects.last },
      ],
    },
    limits: [
      exactly('fetch at the end, nothing new: round trips, worst', tiny.nothing.mostTrips, 1),
      exactly('fetch at the end, tiny: round trips, worst', tiny.last.mostTrips, 1),
      atMost('fetch at the end, blob items: round trips, worst', items.last.mostTrips, 2),
      atMost('fetch at the end, objects: round trips, worst', objects.last.mostTrips, 2),
    ],
  }
}

async function longLogs(entries: number): Promise<Found> {
  const rows: Row[] = []
  const limits: Limit[] = []
  const count = entries.toLocaleString('en-US')
  for (const shape of [regular, ...irregular]) {
    const cold = await coldLog(shape(entries))
    const { name } = shape(entries)
    if (shape === regular) {
      const fetched = await fetchCold(cold)
      rows.push({ name: 'fetch 1 MiB', tally: fetched })
      limits.push(atMost(`cold fetch, ${count} entries: round trips, worst`, fetched.mostTrips, 3))
    }
    const found = await lookUpByTime(cold)
    rows.push({ name: `lookup by time, ${name}`, tally: found })
    limits.push(atMost(`lookup by time, ${count} entries, ${name}: reads, worst`, found.mostReadCalls, 24))
  }
  return { section: { title: `Cold history, ${count} index entries`, rows }, limits }
}

async function committing(): Promise<Found> {
  const rows = [
    { name: '1 partition', tally: await commit(1) },
    { name: '10 partitions', tally: await commit(10) },
  ]
  return { section: { title: 'Commit', rows }, limits: [] }
}

async function connecting(): Promise<Found> {
  const pauseMs = 2_000
  const one = await idleConsumers(1, pauseMs)
  const ten = await idleConsumers(10, pauseMs)
  const monthly = (consumers: number, { callsAMonth, dollarsAMonth }: typeof one) =>
    `${consumers} idle: $${figure(dollarsAMonth / consumers)} a month each, API Gateway and Lambda (512 MB, 20 ms a call) included; ${figure(callsAMonth / 1e6 / consumers)} million calls`
  return {
    section: {
      title: 'Kafka consumers behind one `millrace connect`, heartbeats included, looking every 2 s for all',
      rows: [
        { name: '1 consumer', tally: one.tally },
        { name: '10 consumers', tally: ten.tally },
      ],
      notes: [monthly(1, one), monthly(10, ten)],
    },
    limits: [
      atMost('1 idle consumer behind connect: dollars a month', one.dollarsAMonth, 4.5),
      atMost('10 idle consumers behind one connect: dollars a month each', ten.dollarsAMonth / 10, 2.5),
    ],
  }
}

async function contending(): Promise<Found> {
  const two = await contend(memoryStores(), { writers: 2, requests: 4_000, valueBytes: 100, latency: 'ticking' })
  const busy = { writers: 32, requests: 9_000, aSecond: 300, latency: 'lognormal' } as const
  const limits = [exactly('two writers, 4,000 appends: sent again', two.sentAgain + two.refused, 0)]
  const notes = []
  for (const valueBytes of [100, 1_024]) {
    const { requests, sentAgain, refused, writeUnits, p50Ms, p99Ms } = await contend(memoryStores(), {
      ...busy,
      valueBytes,
    })
    limits.push(
      atMost(`32 writers, 300 appends of ${valueBytes} B a second: % sent again`, (100 * sentAgain) / requests, 1),
      exactly(`32 writers, 300 appends of ${valueBytes} B a second: refused`, refused, 0),
    )
    notes.push(
      `${valueBytes} B: ${figure(writeUnits / requests)} write units an append; p50 ${p50Ms} ms, p99 ${p99Ms} ms, spills included`,
    )
  }
  const title = '32 writers, 300 appends a second, each store call 4 ms in the median and 12 ms at the 99th percentile'
  return { section: { title, rows: [], notes }, limits }
}

async function run(): Promise<Found[]> {
  const cold: Found[] = []
  for (const entries of entryCounts) cold.push(await longLogs(entries))
  return [
    await producing(),
    await producingIdempotently(),
    await fetchingAtEnd(),
    ...cold,
    await committing(),
    await connecting(),
    await grouping(),
    await idling(),
    await contending(),
    await workingBehind(),
    await livingLong(),
  ]
}

run().then((found) => parentPort?.postMessage(found))
