/**
 * Stamps: when a ref was about to be appended, as one number that only needs comparing: `era × 10^13 + milliseconds`.
 *
 * The head's horizon is the greatest stamp among refs it has forgotten; an append is refused unless its stamp lies beyond
 * (docs/decisions/0003). Safety never rests on the clock being right: a wrong one makes appends fail, not repeat. The era
 * is for life: when a horizon is found far in the future, the topic's era is raised and every new stamp lies beyond it.
 */
export type Stamp = number

const eraUnit = 1e13

/** No stamp runs further than this ahead of the corrected clock. */
export const stampAheadMsMax = 10_000
/** A horizon this far ahead was made by a clock gone wrong: only a new era helps. */
export const horizonAheadMsMax = 60_000
/** A blob serves refs whose stamp lies at most this far behind its birth; what sweeps old blobs relies on it. */
export const blobServesMs = 30 * 60_000

export const stampAt = (era: number, nowMs: number): Stamp => era * eraUnit + Math.max(0, Math.floor(nowMs))
export const stampEra = (stamp: Stamp): number => Math.floor(stamp / eraUnit)
export const stampMs = (stamp: Stamp): number => stamp % eraUnit
