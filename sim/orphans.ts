/**
 * After everything healed: blobs that the sweep should have found. It looks at each hour of blob items once, and again only when
 * nothing in it is named: until then what was kept of it may hold others. A blob that was put hours after its birth may be too late
 * for either, so that only scenes in which nothing comes late are judged.
 */
import { blobIdMs, blobIdText, blobIdTextMs } from '../src/log/blob-id.ts'
import { isChunk, readEntryRow } from '../src/log/entry.ts'
import { readHead, tailRefs } from '../src/log/head.ts'
import { blobHourMs, blobItemShards, blobItemsPk, headKey, indexPk, lastPart } from '../src/log/keys.ts'
import type { Ref } from '../src/log/ref.ts'
import type { Stores } from '../src/store/stores.ts'
import { type Client, note, pause } from './client.ts'
import { fire } from './schedule.ts'

const hourMs = 3_600_000
/** A pass begins once a day, and an hour before the newest record is as far as it goes. */
const nextPassMs = 25 * hourMs
const youngMs = 3 * hourMs
const rowsMost = 100_000

export async function lookForOrphans(client: Client, schedule: Client, stores: Stores): Promise<void> {
  const { time } = client.world
  const beganMs = client.world.history[0]?.atMs ?? 0
  const untilMs = time.now() - youngMs
  for (const afterMs of [nextPassMs, hourMs, hourMs]) {
    await pause(time, afterMs)
    await fire(schedule)
  }
  const named = await namedRefs(client, stores)
  const names = new Set(named.map(({ id }) => blobIdText(id)))
  const hours = new Set(named.map(({ id }) => hourOf(blobIdMs(id))))
  let count = 0
  for (const { key } of await stores.objects.list('blobs/', { limit: rowsMost })) {
    const blob = lastPart(key)
    if (!names.has(blob) && blobIdTextMs(blob) < untilMs) count++
  }
  for (let hour = hourOf(beganMs) - 1; hour < hourOf(untilMs); hour++) {
    if (hours.has(hour)) continue
    for (let shard = 0; shard < blobItemShards; shard++) {
      count += (await stores.items.query({ pk: blobItemsPk(hour, shard), limit: rowsMost })).length
    }
  }
  note(client, { kind: 'orphans', count })
}

const hourOf = (ms: number): number => Math.floor(ms / blobHourMs)

async function namedRefs({ world }: Client, { items }: Stores): Promise<readonly Ref[]> {
  const ids = Array.from({ length: world.partitions }, (_, partition) => ({ topicId: world.topicId, partition }))
  const refs = await Promise.all(
    ids.map(async (id) => {
      const rows = await items.query({ pk: indexPk(id), limit: rowsMost })
      const chunks = rows.map((row) => readEntryRow(id, row)).filter(isChunk)
      return [...tailRefs(readHead(id, (await items.get(headKey(id))) ?? {})), ...chunks.flatMap((chunk) => chunk.refs)]
    }),
  )
  return refs.flat().filter(({ place }) => place !== 'inline')
}
