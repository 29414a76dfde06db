/** That there is such a group: what a list of groups reads, one item a group, spread over 16 partition keys. Item: v 1, ms when. */
import { groupNameShards, groupNamesPk } from '../log/keys.ts'
import { murmur2 } from '../protocol/murmur2.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { type Key, set } from '../store/items.ts'
import { settled } from './group.ts'

const format = 1
const namesAPage = 1_000

export const groupNameKey = (group: string): Key => ({
  pk: groupNamesPk((murmur2(Buffer.from(group)) >>> 0) % groupNameShards),
  sk: group,
})

const hint = (group: string): string => `named\0${group}`

/**
 * How long a process goes by what it has seen of a name. The name's own time is never older than this when it is gone by, so that
 * `isForgotten` knows when nobody does any more.
 */
export const rememberedMs = 60 * 60_000

/** Makes the name, where this process has not seen it lately. One read an hour; a write at the first time of all, and then as rarely. */
export async function nameGroup(core: Core, group: string): Promise<void> {
  const uptimeMs = core.clock.uptime()
  const until = core.memory.immutable.get(hint(group))
  if (typeof until === 'number' && uptimeMs < until) return
  const key = groupNameKey(group)
  const known = await settled(core, () => core.items.get(key))
  const nowMs = core.clock.now()
  if (!known || Number(known.ms) < nowMs - rememberedMs) {
    await settled(core, () => core.items.update(key, { patches: [set('v', format), set('ms', nowMs)] }))
  }
  core.memory.immutable.set(hint(group), uptimeMs + rememberedMs, hint(group).length)
}

/**
 * Whether no process can be going by having seen the name, or by what it knew of the group then. Twice the time it remembers, and
 * once more for clocks that differ.
 */
export const isForgotten = (core: Core, namedMs: number): boolean => core.clock.now() - namedMs > 3 * rememberedMs

/** When the name was made, or last made sure of; `undefined` where there is none. */
export async function readName(core: Core, group: string): Promise<number | undefined> {
  const item = await settled(core, () => core.items.get(groupNameKey(group)))
  return item && Number(item.ms ?? 0)
}

/** The names of all groups, in order. At least 16 queries. */
export async function groupNames(core: Core): Promise<string[]> {
  const shards = Array.from({ length: groupNameShards }, (_, shard) => groupNamesPk(shard))
  const names = await inParallel(groupNameShards, shards, async (pk) => {
    const found: string[] = []
    for (;;) {
      const last = found.at(-1)
      const from = last === undefined ? {} : { from: `${last}\0` }
      const rows = await settled(core, () => core.items.query({ pk, ...from, limit: namesAPage }))
      found.push(...rows.map(({ sk }) => sk))
      if (rows.length < namesAPage) return found
    }
  })
  return names.flat().sort()
}
