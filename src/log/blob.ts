/**
 * Blobs: the bytes of one produce request, or of several that are flushed together, stored where no reader can see them until
 * refs name them.
 *
 * Three places, by size, chosen by cost and latency (docs/decisions/0004): a tiny portion rides inside the ref itself, a
 * small request is an item, a large one an object. Items and objects name the partitions they are for and the last stamp
 * that may refer to them, so that whatever sweeps old blobs can first make sure that nobody will still append them.
 *
 *   item    v format   s last stamp   p partitions ("<topic id>/<partition>")   d bytes   ttl when it goes by itself (blob-ttl.ts)
 *   object  a header that says the same (blob-header.ts), then the bytes
 */
import type { Core } from '../runtime/core.ts'
import { absent, type Item, set } from '../store/items.ts'
import { blobHeader } from './blob-header.ts'
import { type BlobId, blobIdText, newBlobId } from './blob-id.ts'
import { requireFormat } from './format.ts'
import { blobItemKey, blobObjectKey, type PartitionId, partitionText } from './keys.ts'
import type { Place, Ref } from './ref.ts'
import { untilDeadline } from './retry.ts'
import { blobServesMs, namedBeforeMs, type Stamp, stampAt } from './stamp.ts'

const blobFormat = 1

/** Record batches up to this many bytes ride inside their ref. */
export const inlineBytesMax = 192
/** Several refs of one head may carry this much between them: for more, an item costs less than the spills they bring about. */
const inlineTogetherBytesMax = 2 * inlineBytesMax
/** Requests up to this many bytes are stored as an item; beyond, one S3 PUT is cheaper than the write units. */
export const itemBytesMax = 7_680

/** What one ref is to name: of one request, or of several. */
export type Portion = { readonly id: PartitionId; readonly records: Uint8Array }

export type Blob = {
  readonly id: BlobId
  readonly place: Place
  /** Where each portion begins. */
  readonly positions: readonly number[]
  /** No ref with an earlier stamp may name this blob: the sweep looks no further back for one that does. */
  readonly firstStamp: Stamp
  /** No ref with a later stamp may name this blob. */
  readonly lastStamp: Stamp
  /** Whether it is an item that the store forgets in time. */
  readonly forgetsItself: boolean
}

function placeFor(portions: readonly Portion[]): Place {
  if (portions.every(({ records }) => records.length <= inlineBytesMax) && fitHeads(portions)) return 'inline'
  const total = portions.reduce((sum, { records }) => sum + records.length, 0)
  return total <= itemBytesMax ? 'item' : 'object'
}

function fitHeads(portions: readonly Portion[]): boolean {
  const bytes = new Map<string, number>()
  for (const { id, records } of portions) {
    const partition = partitionText(id)
    bytes.set(partition, (bytes.get(partition) ?? 0) + records.length)
  }
  return [...bytes.values()].every((sum) => sum <= inlineTogetherBytesMax)
}

/** The partitions that a blob is for, each once. */
const partitionsOf = (portions: readonly Portion[]): string[] => [
  ...new Set(portions.map(({ id }) => partitionText(id))),
]

/**
 * Stores the portions under a new name and says where they are. Safe to repeat until the deadline: the name is its own.
 * `ttl`: when the store may forget it, where it becomes an item (seconds since 1970); undefined: never by itself.
 * @throws StoreError nothing refers to whatever was stored.
 */
export async function storeBlob(
  core: Core,
  era: number,
  portions: readonly Portion[],
  deadlineMs: number,
  ttl?: number,
): Promise<Blob> {
  const nowMs = core.clock.now()
  const id = newBlobId(nowMs, core.random)
  const lastStamp = stampAt(era, nowMs + blobServesMs)
  const place = placeFor(portions)
  const firstStamp = place === 'inline' ? 0 : stampAt(era, nowMs - namedBeforeMs)
  const ids = portions.map((portion) => portion.id)
  const header = place === 'object' ? blobHeader(lastStamp, ids) : new Uint8Array()
  const positions: number[] = []
  let position = header.length
  for (const { records } of portions) {
    positions.push(position)
    position += records.length
  }
  if (place === 'item') await untilDeadline(core, deadlineMs, () => storeItem(core, id, lastStamp, portions, ttl))
  if (place === 'object') {
    const parts = [header, ...portions.map(({ records }) => records)]
    await untilDeadline(core, deadlineMs, () => core.objects.put(blobObjectKey(id), parts))
  }
  if (core.settings.cachesAppended && place !== 'inline') {
    for (const [at, { records }] of portions.entries()) {
      core.memory.immutable.set(cacheKey({ id, position: positions[at] ?? 0 }), records, records.length)
    }
  }
  return { id, place, positions, firstStamp, lastStamp, forgetsItself: place === 'item' && ttl !== undefined }
}

function storeItem(core: Core, id: BlobId, lastStamp: Stamp, portions: readonly Portion[], ttl: number | undefined) {
  const patches = [
    set('v', blobFormat),
    set('s', lastStamp),
    set('p', partitionsOf(portions)),
    set('d', Buffer.concat(portions.map(({ records }) => records))),
    ...(ttl === undefined ? [] : [set('ttl', ttl)]),
  ]
  return core.items.update(blobItemKey(id), { patches, if: absent('v') })
}

/**
 * The batches that refs name, all fetched side by side in one round trip (a second for each hundred blob items).
 * `undefined` where the data is gone: it was rolled or retained, and the ref has to be resolved again.
 */
export async function readRefs(core: Core, refs: readonly Ref[]): Promise<readonly (Uint8Array | undefined)[]> {
  const found = new Map<Ref, Uint8Array>()
  const missing: Ref[] = []
  for (const ref of refs) {
    const held = ref.data ?? core.memory.immutable.get(cacheKey(ref))
    if (held instanceof Uint8Array) found.set(ref, held)
    else missing.push(ref)
  }
  const fromItems = missing.filter((ref) => ref.place === 'item')
  const fromObjects = missing.filter((ref) => ref.place === 'object')
  const keep = (ref: Ref, data: Uint8Array | undefined) => {
    if (!data || data.length !== ref.length) return
    core.memory.immutable.set(cacheKey(ref), data, data.length)
    found.set(ref, data)
  }
  await Promise.all([
    ...hundreds(fromItems).map(async (some) => {
      const items = await core.items.batchGet(some.map((ref) => blobItemKey(ref.id)))
      for (const [at, ref] of some.entries()) keep(ref, blobBytesOf(ref, items[at]))
    }),
    ...fromObjects.map(async (ref) => {
      const range = { start: ref.position, end: ref.position + ref.length }
      keep(ref, await core.objects.get(blobObjectKey(ref.id), range))
    }),
  ])
  return refs.map((ref) => found.get(ref))
}

/** The batches that a ref names in its blob's item. @throws StoreError of a later format */
export function blobBytesOf(ref: Ref, item: Item | undefined): Uint8Array | undefined {
  if (!item) return undefined
  requireFormat('blob', blobIdText(ref.id), item.v, blobFormat)
  return item.d instanceof Uint8Array ? item.d.subarray(ref.position, ref.position + ref.length) : undefined
}

const cacheKey = ({ id, position }: Pick<Ref, 'id' | 'position'>): string => `${blobIdText(id)}:${position}`

function hundreds<T>(all: readonly T[]): T[][] {
  const groups: T[][] = []
  for (let at = 0; at < all.length; at += 100) groups.push(all.slice(at, at + 100))
  return groups
}
