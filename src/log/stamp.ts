/**
 * Stamps: when a ref was about to be appended, as one number that only needs comparing: `era × 10^14 + milliseconds × 32 + tick`.
 *
 * The head's horizon is the greatest stamp among refs it has forgotten; an append is refused unless its stamp lies beyond
 * (docs/decisions/0003). Safety never rests on the clock being right: a wrong one makes appends fail, not repeat. The era
 * is for life: when a horizon is found far in the future, the topic's era is raised and every new stamp lies beyond it. Ticks
 * tell appends of one millisecond apart, or the horizon would refuse the rest of the millisecond it lies in.
 */
import type { Core } from '../runtime/core.ts'

export type Stamp = number

const eraUnit = 1e14
const ticksAMs = 32

/** No stamp runs further than this ahead of the corrected clock. */
export const stampAheadMsMax = 10_000
/** A horizon this far ahead was made by a clock gone wrong: only a new era helps. */
export const horizonAheadMsMax = 60_000
/** A blob serves refs whose stamp lies at most this far behind its birth; what sweeps old blobs relies on it. */
export const blobServesMs = 30 * 60_000
/** And never further before it: a clock may be set right between the two, but then the bytes are stored anew. */
export const namedBeforeMs = 60 * 60_000

export const stampAt = (era: number, nowMs: number): Stamp => era * eraUnit + Math.max(0, Math.floor(nowMs)) * ticksAMs

/** When a stamp was taken, by its writer's clock. */
export const stampMs = (stamp: Stamp): number => Math.floor((stamp % eraUnit) / ticksAMs)

/** How much younger a stamp is, in milliseconds; stamps of a later era count as much younger. */
export const stampDistanceMs = (from: Stamp, to: Stamp): number => (to - from) / ticksAMs

/**
 * A stamp of now by the clock of whoever runs ahead: writers whose clocks differ a little would otherwise find their stamps below
 * the horizon again and again. Later than every one this process took before.
 */
export function nextStamp(core: Core, era: number): Stamp {
  const { stamps } = core.memory
  const nowTicks = stampAt(0, core.clock.now())
  const latest = nowTicks + stampAheadMsMax * ticksAMs
  stamps.lastTicks = Math.min(latest, Math.max(nowTicks + stamps.aheadTicks, stamps.lastTicks + 1))
  return era * eraUnit + stamps.lastTicks
}

/** Takes note of how far the newest stamp of a head is ahead of this process; one too far ahead to be followed is left alone. */
export function sawStamp(core: Core, stamp: Stamp): void {
  const aheadTicks = (stamp % eraUnit) - stampAt(0, core.clock.now())
  if (aheadTicks < stampAheadMsMax * ticksAMs) core.memory.stamps.aheadTicks = Math.max(0, aheadTicks)
}
