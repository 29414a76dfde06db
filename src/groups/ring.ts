/** Who looks after whom: each member after the next one in its generation's ring. Remembered, and kept in its own beat. */
import type { Core } from '../runtime/core.ts'
import type { Beat } from './beat.ts'

export type Ring = NonNullable<Beat['ring']>

const hint = (group: string, slot: string): string => `ring\0${group}\0${slot}`

export function rememberRing(core: Core, group: string, slot: string, ring: Ring): void {
  const key = hint(group, slot)
  core.memory.immutable.set(key, ring, key.length + ring.next.length)
}

export function rememberedRing(core: Core, group: string, slot: string): Ring | undefined {
  const ring = core.memory.immutable.get(hint(group, slot))
  // Nothing else is kept under such a key.
  return ring as Ring | undefined
}
