/** The blobs that refs name: there, long enough, meant for this partition, and in a deep look true to the last byte. */
import { blobBytesOf } from '../log/blob.ts'
import { headerBytesMin, readBlobHeader } from '../log/blob-header.ts'
import { blobIdMs, blobIdText } from '../log/blob-id.ts'
import { blobItemKey, blobObjectKey, partitionText } from '../log/keys.ts'
import type { Ref } from '../log/ref.ts'
import { retentionOf } from '../log/retention.ts'
import { checkBatch } from '../protocol/records/batch.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import type { Item } from '../store/items.ts'
import { limits } from '../store/limits.ts'
import { type Look, readable } from './look.ts'

/** A ref, and the offset of its first record. */
export type PlacedRef = { readonly ref: Ref; readonly base: number }

const objectsAtOnce = 16

/** The refs with their offsets, as far as anything of them may still be read. */
export function placed(refs: readonly Ref[], base: number, start: number): PlacedRef[] {
  let next = base
  return refs
    .map((ref) => {
      const at = next
      next += ref.count
      return { ref, base: at }
    })
    .filter(({ ref, base: at }) => at + ref.count > start)
}

/** @throws StoreError where the store cannot be read. */
export async function lookAtRefs(core: Core, look: Look, refs: readonly PlacedRef[]): Promise<void> {
  for (const { ref } of refs) {
    look.looked.blobs += ref.place === 'inline' ? 0 : 1
    look.looked.offsets += ref.count
    look.looked.bytes += ref.length
  }
  for (const one of refs) if (one.ref.data) await lookAtBatches(look, one, one.ref.data)
  const items = refs.filter(({ ref }) => ref.place === 'item')
  for (let at = 0; at < items.length; at += limits.batchGetKeys) {
    const some = items.slice(at, at + limits.batchGetKeys)
    const found = await core.items.batchGet(distinct(some))
    const byName = new Map(distinct(some).map(({ sk }, place) => [sk, found[place]]))
    for (const one of some) await lookAtItem(core, look, one, byName.get(blobIdText(one.ref.id)))
  }
  await inParallel(
    objectsAtOnce,
    refs.filter(({ ref }) => ref.place === 'object'),
    (one) => lookAtObject(core, look, one),
  )
}

const distinct = (refs: readonly PlacedRef[]) => [
  ...new Map(refs.map(({ ref }) => [blobIdText(ref.id), blobItemKey(ref.id)])).values(),
]

async function lookAtItem(core: Core, look: Look, one: PlacedRef, item: Item | undefined): Promise<void> {
  const { ref, base } = one
  const name = `the blob item ${blobIdText(ref.id)} of offset ${base}`
  if (!item) {
    // The store forgot it in time; whoever meets it next moves the start.
    if (!isOutlived(core, look, ref)) look.find(`item ${base}`, `${name} is missing`)
    return
  }
  const data = await readable(look, name, async () => blobBytesOf(ref, item))
  if (!data) return
  if (data.length !== ref.length) {
    return look.find(`item ${base}`, `${name} has ${data.length} bytes at ${ref.position}, not ${ref.length}`)
  }
  if (!(Array.isArray(item.p) && item.p.includes(partitionText(look.id)))) {
    look.find(`owner ${base}`, `${name} is not for this partition`)
  }
  if (Number(item.s) < ref.stamp) {
    look.find(`last stamp ${base}`, `${name} is named under the stamp ${ref.stamp}, after its last, ${Number(item.s)}`)
  }
  if (ref.ttlVersion === undefined && item.ttl !== undefined) {
    look.find(`ttl ${base}`, `${name} will be forgotten, and its ref does not say so`)
  }
  await lookAtBatches(look, one, data)
}

/** Whether the topic no longer keeps what is as old as this. */
function isOutlived(core: Core, { topic }: Look, { id, maxTimestampMs }: Ref): boolean {
  const { ms } = retentionOf(topic.overrides)
  return ms !== undefined && Math.max(maxTimestampMs, blobIdMs(id)) + ms < core.clock.now()
}

async function lookAtObject(core: Core, look: Look, one: PlacedRef): Promise<void> {
  const { ref, base } = one
  const key = blobObjectKey(ref.id)
  const end = ref.position + ref.length
  // Its last byte tells that it is there and long enough.
  const start = look.deep ? ref.position : end - 1
  const bytes = await core.objects.get(key, { start, end })
  if (!bytes) {
    look.missing.add(key)
    return look.find(`object ${base}`, `the object ${key} of offset ${base} is missing`)
  }
  if (bytes.length !== end - start) {
    return look.find(`object ${base}`, `the object ${key} of offset ${base} ends before ${end}`)
  }
  if (!look.deep) return
  await lookAtHeader(core, look, one, key)
  await lookAtBatches(look, one, bytes)
}

async function lookAtHeader(core: Core, look: Look, { ref, base }: PlacedRef, key: string): Promise<void> {
  const bytes = await core.objects.get(key, { start: 0, end: Math.max(headerBytesMin, ref.position) })
  // Gone since its batches were read: the next look finds out.
  if (!bytes) return look.find(`object ${base}`, `the object ${key} of offset ${base} is missing`)
  const header = await readable(look, `the object ${key}`, async () => readBlobHeader(key, bytes))
  if (!header) return
  if (!('partitions' in header)) {
    return look.find(`header ${base}`, `the batches of offset ${base} lie in the header of ${key}`)
  }
  if (!header.partitions.includes(partitionText(look.id))) {
    look.find(`owner ${base}`, `the object ${key} of offset ${base} is not for this partition`)
  }
  if (header.lastStamp < ref.stamp) {
    const says = `the object ${key} of offset ${base} is named under the stamp ${ref.stamp}, after its last, ${header.lastStamp}`
    look.find(`last stamp ${base}`, says)
  }
}

async function lookAtBatches(look: Look, { ref, base }: PlacedRef, bytes: Uint8Array): Promise<void> {
  if (!look.deep) return
  const name = `the batches of offset ${base}`
  const sums = await readable(look, name, async () => sumUp(bytes))
  if (!sums) return
  if (sums.count !== ref.count) look.find(`records ${base}`, `${name} have ${sums.count} records, not ${ref.count}`)
  if (sums.maxTimestampMs !== ref.maxTimestampMs) {
    const says = `${name} have the greatest timestamp ${sums.maxTimestampMs}, not ${ref.maxTimestampMs}`
    look.find(`greatest timestamp ${base}`, says)
  }
}

function sumUp(bytes: Uint8Array) {
  const sums = { count: 0, maxTimestampMs: -1 }
  for (let at = 0; at < bytes.length; ) {
    const header = checkBatch(bytes, at, 'log')
    at += header.totalBytes
    // Offsets, not records: what counts is how many it takes.
    sums.count += header.lastOffsetDelta + 1
    sums.maxTimestampMs = Math.max(sums.maxTimestampMs, header.maxTimestampMs)
  }
  return sums
}
