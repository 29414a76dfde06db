/**
 * `millrace start` over a folder is killed (SIGKILL) at random moments, again and again, while producers, a consumer instance and
 * its commits call it. Needs only Node. What the machine itself would lose in a power cut is the durability lane's to judge.
 */
import { randomInt, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { inFreshFolder } from '../../server/millrace-process.ts'
import { generator } from '../faults/plan.ts'
import { type Consumer, checkConsumer, consume, newConsumer } from './consumer.ts'
import { call, type DoomedServer, doomedServer, insist } from './doomed-server.ts'
import { faultsIn, type Ledger, partitions, type Stored } from './ledger.ts'

const kills = 15
/** For some 200 acknowledgements. */
const patienceMs = 60_000
const topic = 'doomed'
const plainProducers = 4
const idempotentProducers = 4
/** KILL9_SEED repeats the moments, as far as a machine can. */
const seed = Number(process.env.KILL9_SEED ?? randomInt(2 ** 31))

type World = {
  readonly server: DoomedServer
  readonly ledger: Ledger
  readonly inFlight: Set<string>
  readonly counts: { acknowledged: number; unanswered: number; sentAgain: number }
  ending: boolean
}

it(`keeps what it acknowledged through ${kills} kills, seed ${seed}`, async () => {
  await inFreshFolder(async (folder) => {
    const server = await doomedServer(join(folder, 'data'))
    const ledger = { acknowledged: new Map(), unknown: new Set<string>() }
    const counts = { acknowledged: 0, unanswered: 0, sentAgain: 0 }
    const world: World = { server, ledger, inFlight: new Set(), counts, ending: false }
    await produceOnce(world, 'first')
    const consumer = await newConsumer(server, topic, partitions)
    const clients = [
      ...numbers(plainProducers).map((at) => plain(world, `p${at}`)),
      ...numbers(idempotentProducers).map((at) => idempotent(world, `i${at}`)),
      consume(server, consumer, () => world.ending),
    ]
    const working = Promise.all(clients)
    await Promise.race([working, killAgainAndAgain(world, consumer)]).finally(() => {
      world.ending = true
    })
    await working
    expect(faultsIn(ledger, world.inFlight, await readBack(server))).toEqual([])
    await checkConsumer(server, consumer)
    console.log(`${kills} kills: ${JSON.stringify({ ...counts, ...consumer.counts })}`)
    expect(Math.min(counts.acknowledged, counts.unanswered, counts.sentAgain, consumer.counts.commits)).toBeGreaterThan(
      kills / 3,
    )
  })
})

/** Each time after some acknowledgements, and then at a moment within the next requests. */
async function killAgainAndAgain(world: World, consumer: Consumer): Promise<void> {
  const below = generator(seed)
  for (let kill = 0; kill < kills; kill++) {
    const wanted = world.counts.acknowledged + 1 + below(200)
    for (
      const deadlineMs = Date.now() + patienceMs;
      world.counts.acknowledged < wanted && !world.ending;
      await pause(1)
    )
      if (Date.now() > deadlineMs)
        throw new Error(`${wanted} acknowledgements did not come: ${JSON.stringify(world.counts)}, kill ${kill}`)
    await pause(below(15))
    await world.server.killAndStart()
    // What is in flight while the log is read may or may not be in it; what was acknowledged before must be.
    const acknowledged = new Map(world.ledger.acknowledged)
    const stored = await readBack(world.server)
    const ledger = { acknowledged, unknown: new Set([...world.ledger.unknown, ...world.ledger.acknowledged.keys()]) }
    expect(faultsIn(ledger, world.inFlight, stored), `KILL9_SEED=${seed}, kill ${kill}`).toEqual([])
    await checkConsumer(world.server, consumer)
  }
}

async function plain(world: World, name: string): Promise<void> {
  for (let count = 0; !world.ending; count++) await produceOnce(world, `${name}.${count}`)
}

async function produceOnce(world: World, value: string): Promise<void> {
  if (!(await send(world, [value], {}))) world.ledger.unknown.add(value)
  world.inFlight.delete(value)
}

/** Three records under a key, until they are acknowledged. */
async function idempotent(world: World, name: string): Promise<void> {
  for (let count = 0; !world.ending; count++) {
    const values = numbers(3).map((at) => `${name}.${count}.${at}`)
    const key = { 'idempotency-key': randomUUID() }
    while (!(await send(world, values, key))) world.counts.sentAgain++
    for (const value of values) world.inFlight.delete(value)
  }
}

/** One request; true where all of it was acknowledged. */
async function send(
  { server, ledger, inFlight, counts }: World,
  values: readonly string[],
  headers: Readonly<Record<string, string>>,
): Promise<boolean> {
  for (const value of values) inFlight.add(value)
  const records = values.map((value) => ({ value: `${value}:${'x'.repeat(sizeOf(value))}` }))
  const answer = await call(server, 'POST', `/topics/${topic}`, { records }, headers)
  if (answer === undefined) {
    counts.unanswered++
    return false
  }
  if (answer.status !== 200) throw new Error(`${values}: ${answer.status} ${JSON.stringify(answer.body)}`)
  // The cast: the contract's answer.
  const { offsets } = answer.body as { offsets: { partition: number | null; offset: number | null }[] }
  for (const [at, value] of values.entries()) {
    const { partition, offset } = offsets[at] ?? {}
    if (typeof partition !== 'number' || typeof offset !== 'number')
      throw new Error(`${value}: ${JSON.stringify(offsets[at])}`)
    ledger.acknowledged.set(value, { partition, offset })
  }
  counts.acknowledged++
  return true
}

/** Inside the ref, in an item, in a file. */
const sizeOf = (value: string): number => [20, 20, 900, 9_000][value.length % 4] ?? 20

async function readBack(server: DoomedServer): Promise<Stored[]> {
  const stored: Stored[] = []
  for (const partition of numbers(partitions)) {
    for (let next = 0; ; ) {
      const path = `/topics/${topic}/partitions/${partition}/records?offset=${next}&timeout=0&max_bytes=4000000`
      // The cast: the contract's answer.
      const records = (await insist(server, 'GET', path)) as { offset: number; value: string }[]
      for (const { offset, value } of records)
        stored.push({ partition, offset, value: value.slice(0, value.indexOf(':')) })
      const last = records.at(-1)
      if (!last) break
      next = last.offset + 1
    }
  }
  return stored
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at)
