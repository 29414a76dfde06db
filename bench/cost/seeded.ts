import type { Random } from '../../src/runtime/clock.ts'

/** Chance that comes out the same each time (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  const word = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    bytes(count) {
      const bytes = new Uint8Array(count)
      for (let at = 0; at < count; at++) bytes[at] = word()
      return bytes
    },
    below: (bound) => Math.floor((word() / 2 ** 32) * bound),
  }
}
