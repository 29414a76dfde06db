/**
 * The stores as one machine sees them over a bad network. The stores themselves are the embedded ones in memory, shared by all
 * machines; each call may be lost, answered late, repeated or refused, before or after its effect.
 */
import { StoreError } from '../src/store/errors.ts'
import type { Action, ItemStore, Key, Query, Row } from '../src/store/items.ts'
import type { ObjectStore } from '../src/store/objects.ts'
import type { Stores } from '../src/store/stores.ts'
import { count, drawRead, drawWrite, type Tally, type Weather } from './faults.ts'
import { type Laggards, lagging } from './laggards.ts'
import type { Machine } from './machine.ts'
import type { Chance } from './random.ts'
import type { Time } from './time.ts'

const writeTimeoutMs = 5_000
const readTimeoutMs = 2_000

export type Network = {
  readonly time: Time
  readonly chance: Chance
  readonly tally: Tally
  readonly stores: Stores
  readonly laggards: Laggards
  weather: Weather
  /** The last store calls, for whoever has to explain an anomaly. */
  readonly trace: string[]
}

/** What kind of item or object a key names: the site of a fault. */
const kindOf = (pk: string, sk = ''): string => {
  const [first = pk] = pk.split('/')
  return (first === 'group' ? groupRows[sk.split('/')[0] ?? ''] : kinds[first]) ?? first
}
const kinds: Readonly<Record<string, string>> = { h: 'head', i: 'index', b: 'blob', s: 'producer' }
const groupRows: Readonly<Record<string, string>> = { m: 'member', b: 'beat', r: 'roster', p: 'plan' }

/** The two stores from this machine. */
export function storesSeenFrom(machine: Machine, net: Network): Pick<Stores, 'items' | 'objects'> {
  const write = <T>(site: string, effect: () => Promise<T>) => overNetwork(machine, net, site, effect)
  const read = <T>(site: string, effect: () => Promise<T>) => overNetworkToRead(machine, net, site, effect)
  const { items, objects } = net.stores
  const seenItems: ItemStore = {
    ...(items.forgets ? { forgets: true } : {}),
    get: (key) => read(`items.get ${kindOf(key.pk, key.sk)}`, () => items.get(key)),
    batchGet: (keys) =>
      read(`items.batchGet ${kindOf(keys[0]?.pk ?? '', keys[0]?.sk)}`, async () =>
        lagging(net.laggards, net.time.now()).gets(keys, await items.batchGet(keys)),
      ),
    query: (query: Query) =>
      isOneOfMany(query.pk)
        ? items.query(query)
        : read(`items.query ${kindOf(query.pk, query.from)}`, async (): Promise<readonly Row[]> => {
            const rows = await items.query(query)
            return lagging(net.laggards, net.time.now()).rows(query, rows)
          }),
    update: (key, update) => write(`items.update ${kindOf(key.pk, key.sk)}`, () => items.update(key, update)),
    delete: (key, condition) => write(`items.delete ${kindOf(key.pk, key.sk)}`, () => items.delete(key, condition)),
    transact: (actions) =>
      write('items.transact', async () => {
        const before = await Promise.all(
          actions.map(async (action) => ({ key: keyOf(action), item: await items.get(keyOf(action)) })),
        )
        const done = await items.transact(actions)
        // Single reads see a transaction whole; queries and batches may see its parts one after the other.
        if (done.applied)
          for (const { key, item } of before)
            if (net.chance.happens(0.3))
              net.laggards.push({ key, item, untilMs: net.time.now() + net.chance.between(0, 50) })
        return done
      }),
    metered: () => seenItems,
  }
  const seenObjects: ObjectStore = {
    put: (key, parts) => write(`objects.put ${kindOf(key)}`, () => objects.put(key, parts)),
    get: (key, range) => read(`objects.get ${kindOf(key)}`, () => objects.get(key, range)),
    list: (prefix, options) =>
      isOneOfMany(prefix)
        ? objects.list(prefix, options)
        : read(`objects.list ${kindOf(prefix)}`, () => objects.list(prefix, options)),
    delete: async (keys) => {
      // No call is made for nothing.
      if (keys.length > 0) await write(`objects.delete ${kindOf(keys[0] ?? '')}`, () => objects.delete(keys))
    },
    metered: () => seenObjects,
  }
  return { items: seenItems, objects: seenObjects }
}

/** A sweep lists 256 prefixes and 64 shards of each hour: fifteen of sixteen are answered at once, or most of all calls were these. */
const isOneOfMany = (prefix: string): boolean => /^(blobs|b\/\d+)\/.[^0]/.test(prefix)

const keyOf = (action: Action): Key =>
  'update' in action ? action.update : 'delete' in action ? action.delete : action.check

function traced(machine: Machine, net: Network, site: string, fate: string): void {
  net.trace.push(`${net.time.now()} ${machine.name} ${site}: ${fate}`)
  if (net.trace.length > 20_000) net.trace.splice(0, 10_000)
}

/** Some milliseconds as a rule, now and then many. */
const latency = (chance: Chance): number =>
  chance.happens(0.02) ? chance.between(50, 800) : 1 + chance.between(0, 3) * chance.between(0, 3)

/** Between a third of a second and some 100 minutes. */
export const late = (chance: Chance, [from, to]: readonly [number, number] = [2.5, 6.8]): number =>
  10 ** chance.between(from, to)

/** An answer carries the store's time; the machine corrects its clock by it, as the AWS adapters do. */
function answered(machine: Machine, net: Network, sentMs: number): void {
  machine.serverTime.observe(new Date(net.time.now()).toUTCString(), sentMs, machine.serverTime.localNow())
}

function overNetwork<T>(machine: Machine, net: Network, site: string, effect: () => Promise<T>): Promise<T> {
  const { time, chance, tally } = net
  count(tally.calls, site)
  const fault = drawWrite(chance, net.weather, site)
  if (fault) count(tally.fired, `${site}|${fault}`)
  traced(machine, net, site, fault ?? 'ok')
  const sentMs = machine.serverTime.localNow()
  return new Promise<T>((resolve, reject) => {
    const answer = (settled: Promise<T>) =>
      settled.then(
        (value) =>
          time.after(latency(chance), () =>
            machine.resume(() => {
              answered(machine, net, sentMs)
              resolve(value)
            }),
          ),
        (error) => time.after(latency(chance), () => machine.resume(() => reject(error))),
      )
    const fail = (ms: number, error: StoreError) => time.after(ms, () => machine.resume(() => reject(error)))
    const unknown = (why: string) => new StoreError('unknown-outcome', why)
    const arrives = (ms: number, then: (settled: Promise<T>) => void = () => {}) =>
      time.after(ms, () => {
        const settled = effect()
        settled.catch(() => {})
        then(settled)
      })
    switch (fault) {
      case undefined:
        return arrives(latency(chance), answer)
      case 'slow':
        return arrives(chance.between(500, writeTimeoutMs - 1_000), answer)
      case 'request lost':
        return fail(writeTimeoutMs, unknown('time-out'))
      case 'answer lost':
        arrives(latency(chance))
        return fail(writeTimeoutMs, unknown('time-out'))
      case 'reset after':
        return arrives(latency(chance), () => fail(1, unknown('connection reset')))
      case 'reset before':
        return fail(latency(chance), unknown('connection reset'))
      case '5xx after':
        return arrives(latency(chance), () => fail(1, unknown('internal server error')))
      case 'throttled':
      case 'conflict':
        return fail(latency(chance), new StoreError('throttled', fault))
      case 'unreachable':
        return fail(latency(chance), new StoreError('unavailable', 'connection refused'))
      case 'delayed beyond the time-out':
        arrives(writeTimeoutMs + chance.between(1, 5_000))
        return fail(writeTimeoutMs, unknown('time-out'))
      case 'delivered late':
        arrives(late(chance, net.weather.lateness))
        return fail(writeTimeoutMs, unknown('time-out'))
      case 'duplicated':
        return arrives(latency(chance), () => arrives(chance.between(0, 20), answer))
      case 'duplicated late':
        arrives(late(chance, net.weather.lateness))
        return arrives(latency(chance), answer)
    }
  })
}

function overNetworkToRead<T>(machine: Machine, net: Network, site: string, effect: () => Promise<T>): Promise<T> {
  const { time, chance, tally } = net
  count(tally.calls, site)
  const fault = drawRead(chance, net.weather)
  if (fault) count(tally.fired, `${site}|${fault}`)
  traced(machine, net, site, fault ?? 'ok')
  const sentMs = machine.serverTime.localNow()
  return new Promise<T>((resolve, reject) => {
    const fail = (ms: number, error: StoreError) => time.after(ms, () => machine.resume(() => reject(error)))
    if (fault === 'request lost') return fail(readTimeoutMs, new StoreError('unavailable', 'time-out'))
    if (fault === 'throttled') return fail(latency(chance), new StoreError('throttled', 'slow down'))
    if (fault === 'unreachable') return fail(latency(chance), new StoreError('unavailable', 'connection refused'))
    time.after(fault === 'slow' ? chance.between(200, readTimeoutMs) : latency(chance), () => {
      effect().then(
        (value) =>
          time.after(latency(chance), () =>
            machine.resume(() => {
              answered(machine, net, sentMs)
              resolve(value)
            }),
          ),
        (error) => time.after(latency(chance), () => machine.resume(() => reject(error))),
      )
    })
  })
}
