/** What may happen to a store call on its way, how likely it is, and how often each happened where. */
import type { Chance } from './random.ts'

export const writeFaults = [
  /** Nothing arrives; the caller times out. */
  'request lost',
  /** It takes effect; the caller times out. */
  'answer lost',
  /** It takes effect; the caller sees the connection reset at once. */
  'reset after',
  /** The caller sees the connection reset at once; nothing arrives. */
  'reset before',
  /** 500 or 503 after the effect. */
  '5xx after',
  /** Refused for load, no effect. */
  'throttled',
  /** TransactionConflict (items) or 409 (objects), no effect. */
  'conflict',
  /** No connection at all, no effect. */
  'unreachable',
  /** The caller times out; it takes effect soon after. */
  'delayed beyond the time-out',
  /** The caller times out; it takes effect minutes or hours later. */
  'delivered late',
  /** It arrives twice; the second answer comes back. */
  'duplicated',
  /** It is answered well, and a second copy arrives minutes or hours later. */
  'duplicated late',
  /** It takes long, within the time-out. */
  'slow',
] as const
export type WriteFault = (typeof writeFaults)[number]

export const readFaults = ['request lost', 'throttled', 'unreachable', 'slow'] as const
export type ReadFault = (typeof readFaults)[number]

/** How bad the network of one run is. `share`: of calls that meet a fault. */
export type Weather = {
  readonly write: number
  readonly read: number
  /** Which faults writes meet; all, as a rule. */
  readonly kinds?: readonly [WriteFault, ...WriteFault[]]
  /** How late a late copy is: powers of ten, in milliseconds. */
  readonly lateness?: readonly [number, number]
}

/** Faults fired, by site (`items.update head`) and kind, and how often each site was called. */
export type Tally = { readonly calls: Map<string, number>; readonly fired: Map<string, number> }

export const emptyTally = (): Tally => ({ calls: new Map(), fired: new Map() })

export const count = (counts: Map<string, number>, name: string, by = 1): void => {
  counts.set(name, (counts.get(name) ?? 0) + by)
}

/** Calls that a run makes once or never: a storm meets every other one of them, or some faults would never meet any. */
const rareSites = new Set(['items.delete head', 'items.delete jobs', 'items.update topics', 'items.transact'])

export function drawWrite(chance: Chance, weather: Weather, site: string): WriteFault | undefined {
  const share = weather.write > 0 && rareSites.has(site) ? 0.5 : weather.write
  if (!chance.happens(share)) return undefined
  return chance.pick(weather.kinds ?? writeFaults)
}

export function drawRead(chance: Chance, weather: Weather): ReadFault | undefined {
  if (!chance.happens(weather.read)) return undefined
  return chance.pick(readFaults)
}
