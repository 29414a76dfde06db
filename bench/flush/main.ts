/**
 * Fifty producers of 100-byte records, each with one request under way, with and without the stage that flushes them together:
 * requests a second and store calls and write units a request, side by side in one run. `tsx bench/flush/main.ts`
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Appender, appendEach } from '../../src/broker/appender.ts'
import { flushLimits, flushTogether } from '../../src/broker/flush-together.ts'
import { createTopic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { openDisk } from '../../src/store/embedded/disk.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import type { Stores } from '../../src/store/stores.ts'
import { batchOf, coreOver } from '../../test/log/core.ts'
import { producerBatch } from '../../test/log/producer.ts'

const producers = 50
const lengthMs = 1_500
const storeMs = 20

/** Each call takes so long, and no other waits for it. */
function slow({ items, objects }: Pick<Stores, 'items' | 'objects'>): Pick<Stores, 'items' | 'objects'> {
  const late = async <T>(call: () => Promise<T>): Promise<T> => {
    await wait(storeMs)
    return call()
  }
  return {
    items: {
      ...items,
      get: (key) => late(() => items.get(key)),
      query: (query) => late(() => items.query(query)),
      update: (key, update) => late(() => items.update(key, update)),
      metered: (meter) => slow({ items: items.metered(meter), objects }).items,
    },
    objects: {
      ...objects,
      put: (key, parts) => late(() => objects.put(key, parts)),
      metered: (meter) => slow({ items, objects: objects.metered(meter) }).objects,
    },
  }
}

async function measure(
  plain: Core,
  appender: (core: Core) => Appender,
  name: string,
  partitions: number,
  idempotent: boolean,
) {
  let calls = 0
  let units = 0
  const meter = ({ writeUnits }: { writeUnits: number }) => {
    calls++
    units += writeUnits
  }
  const topic = await createTopic(plain, { name, partitions })
  const append = appender({ ...plain, items: plain.items.metered(meter), objects: plain.objects.metered(meter) })
  const value = 'v'.repeat(100)
  const untilMs = performance.now() + lengthMs
  const takenMs: number[] = []
  await Promise.all(
    Array.from({ length: producers }, async (_, producer) => {
      for (let sequence = 0; performance.now() < untilMs; sequence++) {
        const records = idempotent ? producerBatch({ producer, sequence, values: [value] }) : batchOf([value])
        const beganMs = performance.now()
        const [outcomes = []] = await append([
          { topic, batches: [{ partition: producer % partitions, records }], byId: false },
        ])
        if (outcomes.some((one) => 'error' in one)) throw new Error(JSON.stringify(outcomes))
        takenMs.push(performance.now() - beganMs)
      }
    }),
  )
  takenMs.sort((a, b) => a - b)
  const count = takenMs.length
  return {
    rate: count / (lengthMs / 1_000),
    calls: calls / count,
    units: units / count,
    p50: takenMs[Math.floor(count / 2)] ?? 0,
  }
}

const folder = await mkdtemp(join(tmpdir(), 'millrace-flush-'))
const disk = await openDisk(folder)
const kinds = [
  ['disk', coreOver(disk)],
  [`${storeMs} ms`, coreOver(slow(memoryStores()))],
] as const
console.log('store  partitions  producers    stage      requests/s  calls/request  write units/request  p50 ms')
for (const [store, core] of kinds)
  for (const partitions of [1, 10])
    for (const idempotent of [false, true])
      for (const flushes of [0, 1, 2, 4]) {
        const appender = flushes
          ? (one: Core) => flushTogether(one, { ...flushLimits, flushesMax: flushes })
          : appendEach
        const name = `t-${partitions}-${idempotent}-${flushes}`
        const found = await measure(core, appender, name, partitions, idempotent)
        const kind = idempotent ? 'idempotent' : 'plain'
        const stage = flushes ? `${flushes} flushes` : 'none'
        const numbers = [
          found.rate.toFixed(0).padStart(10),
          found.calls.toFixed(2).padStart(13),
          found.units.toFixed(2).padStart(19),
          found.p50.toFixed(1).padStart(6),
        ]
        console.log(
          [store.padEnd(6), String(partitions).padStart(9), ` ${kind.padEnd(11)}`, stage.padEnd(9), ...numbers].join(
            '  ',
          ),
        )
      }
await disk.close()
await rm(folder, { recursive: true })
