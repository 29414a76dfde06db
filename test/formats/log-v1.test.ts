import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fetchOffsets } from '../../src/groups/offsets.ts'
import { readInstance } from '../../src/http/consumers/instance.ts'
import { readChunk } from '../../src/log/chunk.ts'
import { clusterId } from '../../src/log/cluster.ts'
import { readHead, tailRefs } from '../../src/log/head.ts'
import { blobItemKey, clusterKey, consumerKey, headKey, indexPk, offsetKey, topicKey } from '../../src/log/keys.ts'
import { topicNamed } from '../../src/log/topics.ts'
import { openDisk } from '../../src/store/embedded/disk.ts'
import { type Key, set } from '../../src/store/items.ts'
import type { Stores } from '../../src/store/stores.ts'
import { jsonType, type Server, serverOver, v2 } from '../http/kit.ts'
import { coreOver, readAll, send, text } from '../log/core.ts'
import { contents, groupOf, instanceOf } from './log-v1.ts'

let folder: string
let stores: Stores
let server: Server

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-'))
  await cp(join(import.meta.dirname, '../fixtures/log-v1'), folder, { recursive: true })
  stores = await openDisk(folder)
  server = serverOver(coreOver(stores))
})
afterEach(async () => {
  await stores.close()
  await rm(folder, { recursive: true })
})

const instance = `/consumers/${groupOf}/instances/${instanceOf}`

test('a log of format 1 is read whole, and goes on', async () => {
  const { core } = server
  const topic = await topicNamed(core, 'kept')
  expect((await readAll(core, topic, 1)).map(text)).toEqual(contents.map((value) => JSON.stringify(value)))
  expect(await send(core, topic, 1, ['more'])).toBe(contents.length)
  expect((await readAll(core, topic, 0)).map(text)).toEqual(['"once"'])
})

test('a consumer of format 1 goes on where it had committed', async () => {
  const offsets = await server.call('GET', `${instance}/offsets`, {
    type: v2,
    body: { partitions: [{ topic: 'kept', partition: 1 }] },
  })
  expect(offsets.json).toMatchObject({ offsets: [{ topic: 'kept', partition: 1, offset: 7 }] })
  const records = await server.call('GET', `${instance}/records`, { accept: jsonType })
  expect(records.json).toMatchObject([
    { offset: 7, value: contents[7] },
    ...contents.slice(8).map((value) => ({ value })),
  ])
})

/** Where one of each kind of item lies. */
async function everyKind(): Promise<[string, Key][]> {
  const { core } = server
  const topic = await topicNamed(core, 'kept')
  const id = { topicId: topic.id, partition: 1 }
  const head = readHead(id, (await stores.items.get(headKey(id))) ?? {})
  const [row] = await stores.items.query({ pk: indexPk(id), limit: 1, reverse: true })
  if (!row) throw new Error('the kept log has no index entry')
  const blob = [...readChunk(id, row.sk, row.item).refs, ...tailRefs(head)].find(({ place }) => place === 'item')
  if (!blob) throw new Error('the kept log has no blob item')
  return [
    ['cluster', clusterKey],
    ['topic', topicKey('kept')],
    ['partition head', headKey(id)],
    ['index entry', { pk: indexPk(id), sk: row.sk }],
    ['blob', blobItemKey(blob.id)],
    ['consumer instance', consumerKey(groupOf, instanceOf)],
    ['committed offset', offsetKey(groupOf, topic.id, 1)],
  ]
}

test('every kind of item of a later format is refused by name, with what is understood', async () => {
  for (const [kind, key] of await everyKind()) {
    await stores.items.update(key, { patches: [set('v', 2)] })
    const core = coreOver(stores)
    const readEverything = async () => {
      await clusterId(core)
      const topic = await topicNamed(core, 'kept')
      await readAll(core, topic, 1)
      await readInstance(core, groupOf, instanceOf)
      await fetchOffsets(core, groupOf, [{ topicId: topic.id, partition: 1 }])
    }
    await expect(readEverything(), kind).rejects.toThrow(
      new RegExp(`the ${kind} at .* has format 2, and this Millrace understands format 1`),
    )
    await stores.items.update(key, { patches: [set('v', 1)] })
  }
})
