/**
 * Which offset is the greatest of each key: what compaction goes by. Keys stand in it as digests of 128 bits, in open addressing, so that a
 * key takes 20 bytes whatever its length; the whole map 80 MiB at most, and less where there are fewer records.
 */
import type { Random } from '../runtime/clock.ts'
import { sipHash } from './siphash.ts'

const slotsMost = 2 ** 22
const slotsLeast = 2 ** 10
const fullPart = 0.75
/** Offsets are kept as 32-bit distances from `from`. */
export const offsetsMost = 2 ** 32 - 2

export type KeyMap = {
  /** The key's newest record so far. `false`: no room for another key, and nothing was changed. */
  put(bytes: Uint8Array, keyFrom: number, keyTo: number, offset: number): boolean
  /** -1 where the key is not in it. */
  newest(bytes: Uint8Array, keyFrom: number, keyTo: number): number
  readonly size: number
}

/** For offsets from `from` on, each greater than the one before; of at most `records`. */
export function keyMap(random: Random, from: number, records: number, slotsMax = slotsMost): KeyMap {
  let slots = slotsLeast
  while (slots < slotsMax && slots * fullPart < records) slots *= 2
  slots = Math.min(slots, slotsMax)
  const capacity = Math.max(1, Math.floor(slots * fullPart))
  const digests = new Uint32Array(slots * 4)
  // One more than the distance: 0 is an empty slot.
  const places = new Uint32Array(slots)
  const key = new Uint32Array(Uint8Array.from(random.bytes(16)).buffer)
  const digest = new Uint32Array(4)
  let size = 0
  /** The key's slot, or the empty one where it would go. */
  const find = (bytes: Uint8Array, keyFrom: number, keyTo: number): number => {
    sipHash(key, bytes, keyFrom, keyTo, digest)
    const [a = 0, b = 0, c = 0, d = 0] = digest
    for (let slot = a & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      if (places[slot] === 0) return slot
      const at = slot * 4
      if (digests[at] === a && digests[at + 1] === b && digests[at + 2] === c && digests[at + 3] === d) return slot
    }
  }
  return {
    put(bytes, keyFrom, keyTo, offset) {
      if (offset - from > offsetsMost) return false
      const slot = find(bytes, keyFrom, keyTo)
      if (places[slot] === 0) {
        if (size >= capacity) return false
        size++
        digests.set(digest, slot * 4)
      }
      places[slot] = offset - from + 1
      return true
    },
    newest(bytes, keyFrom, keyTo) {
      const place = places[find(bytes, keyFrom, keyTo)] ?? 0
      return place === 0 ? -1 : from + place - 1
    },
    get size() {
      return size
    },
  }
}
