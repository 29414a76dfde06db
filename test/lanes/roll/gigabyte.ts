/**
 * A data folder with so many megabytes of 10 KB requests in one partition, as appends would have left it: index entries through the
 * log's own builders, blobs written as files without a sync each.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { blobHeader } from '../../../src/log/blob-header.ts'
import { newBlobId } from '../../../src/log/blob-id.ts'
import { createChunk, entryKey, entryOfTail } from '../../../src/log/chunk.ts'
import { dropUpdate, type Head, headExcess, newHead, readHead } from '../../../src/log/head.ts'
import { blobObjectKey, headKey } from '../../../src/log/keys.ts'
import { packRef, type Ref } from '../../../src/log/ref.ts'
import { stampAt } from '../../../src/log/stamp.ts'
import { createTopic } from '../../../src/log/topics.ts'
import { systemRandom } from '../../../src/runtime/system.ts'
import { openDisk } from '../../../src/store/embedded/disk.ts'
import { patched } from '../../../src/store/embedded/interpret.ts'
import { type Item, set } from '../../../src/store/items.ts'
import { batchOf, coreOver } from '../../log/core.ts'

const valueBytes = 10_000
const writesAtOnce = 64

export async function makeFolder(folder: string, megabytes: number): Promise<void> {
  const stores = await openDisk(folder)
  const core = coreOver(stores)
  const topic = await createTopic(core, { name: 'large' })
  const id = { topicId: topic.id, partition: 0 }
  const batch = batchOf(['x'.repeat(valueBytes)], Date.now())
  const header = blobHeader(stampAt(0, Date.now()), [id])
  const blob = Buffer.concat([header, batch])
  const startMs = Date.now() - 3_600_000
  let head = readHead(id, patched({}, newHead(0).patches))
  let writes: Promise<void>[] = []
  for (let bytes = 0; bytes < megabytes * 1e6; bytes += batch.length) {
    const nowMs = startMs + Math.floor(bytes / batch.length)
    const place = { place: 'object', position: header.length, length: batch.length, count: 1 } as const
    const ref: Ref = { id: newBlobId(nowMs, systemRandom), stamp: stampAt(0, nowMs), maxTimestampMs: nowMs, ...place }
    writes.push(writeBlob(join(folder, 'objects', blobObjectKey(ref.id)), blob))
    if (writes.length === writesAtOnce) {
      await Promise.all(writes)
      writes = []
    }
    head = {
      ...head,
      next: head.next + 1,
      bytes: head.bytes + ref.length,
      packedTail: [...head.packedTail, packRef(ref)],
    }
    if (headExcess(head, 60) <= 0) continue
    const chunk = entryOfTail(head)
    await core.items.update(entryKey(id, chunk), createChunk(chunk))
    head = readHead(id, patched(itemOf(head), dropUpdate(head, chunk.refs.length).patches))
  }
  await Promise.all(writes)
  const patches = Object.entries(itemOf(head)).map(([name, value]) => set(name, value))
  await core.items.update(headKey(id), { patches })
  await stores.close()
}

const folders = new Set<string>()

async function writeBlob(path: string, bytes: Uint8Array): Promise<void> {
  if (!folders.has(dirname(path))) await mkdir(dirname(path), { recursive: true })
  folders.add(dirname(path))
  await writeFile(path, bytes)
}

const itemOf = (head: Head): Item =>
  patched(patched({}, newHead(head.configVersion).patches), [
    set('n', head.next),
    set('b', head.bytes),
    set('t', head.packedTail),
    set('o', head.tailStart),
    set('f', head.fingerprints),
    set('h', head.horizon),
    set('m', head.droppedTimestampMs),
  ])
