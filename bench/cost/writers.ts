/** Several writers of one partition: how often one makes another send again. */
import { headKey } from '../../src/log/keys.ts'
import { createTopic } from '../../src/log/topics.ts'
import type { ItemStore } from '../../src/store/items.ts'
import type { Stores } from '../../src/store/stores.ts'
import { seeded } from './seeded.ts'
import { anotherProcess, batchOf, coreOf, send, startMs, tickMs } from './setup.ts'
import { type Latency, lognormal, ticking, world } from './world.ts'

export type Writers = {
  readonly writers: number
  readonly requests: number
  readonly valueBytes: number
  /** Requests a second of all writers together, at random moments; absent: each writer sends as soon as it was answered. */
  readonly aSecond?: number
  readonly latency: 'ticking' | 'lognormal'
  /** Each writer's clock is off by something between so much behind and so much ahead. */
  readonly skewMs?: number
}

export type Contention = {
  readonly requests: number
  /** Appends that were sent to the head more than once, counted each time. */
  readonly sentAgain: number
  readonly refused: number
  readonly writeUnits: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** DynamoDB's update as others measured it: 4 ms in the median, 12 ms at the 99th percentile. */
const dynamodb = { p50Ms: 4, p99Ms: 12 }

export async function contend(stores: Pick<Stores, 'items' | 'objects'>, asked: Writers): Promise<Contention> {
  const simulated = world(startMs)
  const random = seeded(3)
  const latency: Latency =
    asked.latency === 'ticking' ? ticking(tickMs) : lognormal(seeded(4), dynamodb.p50Ms, dynamodb.p99Ms)
  const timed = simulated.over(stores, latency)
  const { skewMs = 0 } = asked
  let appendsSent = 0
  let writeUnits = 0
  const meteredItems = timed.items.metered((use) => {
    writeUnits += use.writeUnits
  })
  const items: ItemStore = {
    ...meteredItems,
    update(key, update) {
      if (key.sk === headKey({ topicId: '', partition: 0 }).sk && update.patches.some((patch) => 'append' in patch)) {
        appendsSent++
      }
      return meteredItems.update(key, update)
    },
  }
  const core = coreOf({ items, objects: timed.objects }, simulated.clock, random)
  const elapsedMs: number[] = []
  let refused = 0
  await simulated.run(async () => {
    const topic = await createTopic(core, { name: 'bench' })
    const records = batchOf(1, asked.valueBytes, startMs)
    writeUnits = 0
    const one = async (own: typeof core) => {
      const beganMs = core.clock.now()
      await send(own, topic, records).catch(() => {
        refused++
      })
      elapsedMs.push(core.clock.now() - beganMs)
    }
    const arrivals = Array.from({ length: asked.requests }, () => random.below(2 ** 32) / 2 ** 32).sort((a, b) => a - b)
    const spanMs = asked.aSecond === undefined ? 0 : (asked.requests / asked.aSecond) * 1_000
    const firstMs = core.clock.now()
    const writing = Array.from({ length: asked.writers }, async (_, writer) => {
      const offMs = skewMs === 0 ? 0 : random.below(2 * skewMs + 1) - skewMs
      const clock = { ...core.clock, now: () => core.clock.now() + offMs }
      const own = { ...anotherProcess(core), clock }
      const open: Promise<void>[] = []
      for (let at = writer; at < asked.requests; at += asked.writers) {
        await core.clock.sleep(Math.max(0, firstMs + (arrivals[at] ?? 0) * spanMs - core.clock.now()))
        const request = one(own)
        open.push(request)
        if (asked.aSecond === undefined) await request
      }
      await Promise.all(open)
    })
    await Promise.all(writing)
  })
  elapsedMs.sort((a, b) => a - b)
  const at = (share: number) => elapsedMs[Math.floor(elapsedMs.length * share)] ?? 0
  return {
    requests: asked.requests,
    sentAgain: appendsSent - asked.requests,
    refused,
    writeUnits,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  }
}
