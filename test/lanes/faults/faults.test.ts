/** The log on real stores behind a network that fails: see workload.ts for what is done, plan.ts for what goes wrong. */
import { randomInt, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { check } from '../../../sim/checker.ts'
import type { Core } from '../../../src/runtime/core.ts'
import type { Settings } from '../../../src/runtime/settings.ts'
import { systemClock } from '../../../src/runtime/system.ts'
import { ensureAws, ensureTable } from '../../../src/store/aws/ensure.ts'
import { type Aws, openAws } from '../../../src/store/aws/open.ts'
import { coreOver } from '../../log/core.ts'
import { faultKinds, faultPlan } from './plan.ts'
import { type FaultyProxy, startProxy } from './proxy.ts'
import { runWorkload } from './workload.ts'

/** Where items live, where objects live. */
const deployments = {
  'DynamoDB Local and MiniStack’s S3': { items: inject('dynamodbUrl'), objects: inject('ministackUrl') },
  'MiniStack’s DynamoDB and S3': { items: inject('ministackUrl'), objects: inject('ministackUrl') },
}

/** FAULTS_SEED repeats one run. */
const given = process.env.FAULTS_SEED
const seeds = given ? [Number(given)] : [1, 2, randomInt(3, 2 ** 31)]
const requestsEach = Number(process.env.FAULTS_REQUESTS ?? 30)
type Server = { readonly core: Core; close(): Promise<unknown> }

/** One server a patience: one gives an append up soon, another late. */
const appendTimeoutsMs = [300, 1_000, 3_000]

describe.each(Object.entries(deployments))('behind a failing network: %s', (name, upstream) => {
  const fired = new Map<string, number>()
  const told = new Map<string, number>()
  const sum = (into: Map<string, number>, from: ReadonlyMap<string, number>) => {
    for (const [what, count] of from) into.set(what, (into.get(what) ?? 0) + count)
  }
  let requests = 0
  let startedMs = 0
  beforeAll(() => {
    startedMs = Date.now()
  })
  afterAll(() => {
    const seconds = Math.round((Date.now() - startedMs) / 1_000)
    console.log(`${name}: ${requests} requests in ${seconds} s\n${lines(fired)}\n${lines(told)}`)
  })

  it.each(seeds)('keeps every promise, seed %i', async (seed) => {
    const proxies = [
      await startProxy(upstream.items, faultPlan(seed)),
      await startProxy(upstream.objects, faultPlan(~seed)),
    ]
    const { servers, patient } = await openServers(upstream, proxies)
    try {
      const { history, counts } = await runWorkload(
        servers.map(({ core }) => core),
        patient.core,
        proxies,
        seed,
        requestsEach,
      )
      sum(told, counts)
      const anomalies = check(history).map(({ name, what }) => `${name}: ${what}`)
      expect(anomalies, `FAULTS_SEED=${seed} shows it again, perhaps`).toEqual([])
    } finally {
      for (const proxy of proxies) {
        sum(fired, proxy.fired)
        requests += proxy.requests()
        await proxy.stop()
      }
      for (const { close } of [...servers, patient]) await close()
    }
  })

  // One seed alone need not.
  it.runIf(seeds.length > 1)('met every kind of fault, and every outcome', () => {
    const missing = Object.entries(faultKinds).flatMap(([service, kinds]) =>
      kinds.map((kind) => `${service}: ${kind}`).filter((kind) => !fired.has(kind)),
    )
    expect(missing).toEqual([])
    const outcomes = [...told.keys()].map((what) => what.split(':')[0])
    expect(outcomes).toEqual(
      expect.arrayContaining([
        'append acknowledged',
        'append unknown',
        'append failed',
        'commit acknowledged',
        'sent again under its key',
        'late until the end',
      ]),
    )
  })
})

const impatience = { writeTimeoutMs: 400, readTimeoutMs: 250, connectTimeoutMs: 200 }
/** What comes before the faults and after is no subject here, nor is how long an emulator takes over it. */
const patience = { writeTimeoutMs: 60_000, readTimeoutMs: 30_000, connectTimeoutMs: 30_000 }

/** A table and a bucket, and servers that reach them through the proxies; and one that takes its time. */
async function openServers(upstream: { items: string; objects: string }, proxies: readonly FaultyProxy[]) {
  const [items, objects] = proxies
  if (!items || !objects) throw new Error('two proxies are needed')
  const names = { table: `table-${randomUUID()}`, bucket: `bucket-${randomUUID()}` }
  const open = (endpoint: string, timeouts = patience): Aws =>
    openAws({
      ...names,
      ...timeouts,
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      clock: systemClock,
    })
  const server = (settings: Partial<Settings>, timeouts?: typeof impatience): Server => {
    const [ofItems, ofObjects] = [open(items.url, timeouts), open(objects.url, timeouts)]
    const stores = { items: ofItems.stores.items, objects: ofObjects.stores.objects }
    const core = { ...coreOver(stores, settings), clock: ofItems.clock }
    return { core, close: () => Promise.all([ofItems.stores.close(), ofObjects.stores.close()]) }
  }
  const direct = [open(upstream.items), open(upstream.objects)] as const
  await ensureTable(direct[0])
  await ensureAws(direct[1])
  await Promise.all(direct.map(({ stores }) => stores.close()))
  return {
    servers: appendTimeoutsMs.map((appendTimeoutMs) => server({ appendTimeoutMs, cacheBytes: 100_000 }, impatience)),
    patient: server({ appendTimeoutMs: 60_000 }),
  }
}

const lines = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, count]) => `${String(count).padStart(6)}  ${what}`)
    .join('\n')
