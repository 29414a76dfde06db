import type { Random } from '../src/runtime/clock.ts'

/** Seeded chance (sfc32, http://pracrand.sourceforge.net): the same seed gives the same numbers for ever. */
export type Chance = Random & {
  /** True once in `1 / share` times. */
  happens(share: number): boolean
  /** A number from `low` to below `high`. */
  between(low: number, high: number): number
  pick<T>(choices: readonly [T, ...T[]]): T
  /** A stream of its own, so that what one part draws does not shift what another does. */
  fork(name: string): Chance
}

export function seeded(seed: number, name = ''): Chance {
  let [a, b, c, d] = [0x9e3779b9, seed | 0, Math.floor(seed / 2 ** 32) | 0, 1]
  const next = () => {
    const t = (a + b + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return t >>> 0
  }
  for (const letter of name) {
    a ^= letter.charCodeAt(0)
    next()
  }
  for (let warmUp = 0; warmUp < 12; warmUp++) next()
  const share = () => next() / 2 ** 32
  return {
    bytes: (count) => Uint8Array.from({ length: count }, () => next() & 0xff),
    below: (bound) => Math.floor(share() * bound),
    happens: (chance) => share() < chance,
    between: (low, high) => low + share() * (high - low),
    pick: (choices) => choices[Math.floor(share() * choices.length)] ?? choices[0],
    fork: (part) => seeded(seed, `${name}/${part}`),
  }
}
