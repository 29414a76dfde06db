/**
 * What an IAM principal may touch, beyond what IAM can tell from a URL: one item a principal, written at deployment.
 *
 *   v            1
 *   rev          eight random bytes in hex, new at every change
 *   g:<source>   one for each stack or construct that grants: {produce [topic], consume [{group, topic}], admin}
 *
 * `*` stands for every topic or group. What the sources give adds up. The item goes with its last source.
 */
import * as v from 'valibot'
import { requireFormat } from '../log/format.ts'
import { grantsKey } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import { absent, equals, exists, type Item, type ItemStore, remove, set } from '../store/items.ts'

const itemFormat = 1
const sourcePrefix = 'g:'

export type Grants = {
  readonly produce: readonly string[]
  /** Reading a topic as a member of a group. */
  readonly consume: readonly { readonly group: string; readonly topic: string }[]
  /** Everything: one who may call every route is held to nothing here. */
  readonly admin: boolean
}

const shape = v.object({
  produce: v.array(v.string()),
  consume: v.array(v.object({ group: v.string(), topic: v.string() })),
  admin: v.boolean(),
})

/** The principal's grants from all sources; `undefined` where there is no item: IAM alone governs it. */
export async function readGrants(items: Pick<ItemStore, 'get'>, principal: string): Promise<Grants | undefined> {
  const item = await items.get(grantsKey(principal))
  if (!item) return undefined
  requireFormat('grants', principal, item.v, itemFormat)
  const sources = sourcesOf(item)
  return {
    produce: sources.flatMap(({ produce }) => produce),
    consume: sources.flatMap(({ consume }) => consume),
    admin: sources.some(({ admin }) => admin),
  }
}

const sourcesOf = (item: Item): Grants[] =>
  Object.entries(item).flatMap(([name, value]) => (name.startsWith(sourcePrefix) ? [v.parse(shape, value)] : []))

/** Writes what one source grants, in the place of what it granted before. May be repeated. */
export async function writeGrants(
  { items, random }: Pick<Core, 'items' | 'random'>,
  principal: string,
  source: string,
  { produce, consume, admin }: Grants,
): Promise<void> {
  const { applied, item } = await items.update(grantsKey(principal), {
    patches: [
      set('v', itemFormat),
      set('rev', newRev(random)),
      set(sourcePrefix + source, { produce, consume, admin }),
    ],
    if: { any: [absent('v'), equals('v', itemFormat)] },
  })
  if (!applied) requireFormat('grants', principal, item?.v, itemFormat)
}

/** Takes back what one source granted; the item goes with its last source. May be repeated. */
export async function removeGrants(
  { items, random }: Pick<Core, 'items' | 'random'>,
  principal: string,
  source: string,
): Promise<void> {
  const key = grantsKey(principal)
  const rev = newRev(random)
  const { item } = await items.update(key, {
    patches: [set('rev', rev), remove(sourcePrefix + source)],
    if: exists('v'),
  })
  // Another source may write at the same moment: then the item stays.
  if (item && sourcesOf(item).length === 0) await items.delete(key, equals('rev', String(item.rev)))
}

const newRev = (random: Core['random']): string => Buffer.from(random.bytes(8)).toString('hex')
