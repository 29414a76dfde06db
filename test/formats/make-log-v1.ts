/**
 * Makes test/fixtures/log-v1: a data folder with one of everything that Millrace 0.1 stores. It was run once and its output is
 * kept; run it again only for a new version, into a new folder: `npx tsx test/formats/make-log-v1.ts FOLDER`.
 */
import { openDisk } from '../../src/store/embedded/disk.ts'
import { jsonType, serverOver, v2 } from '../http/kit.ts'
import { coreOver } from '../log/core.ts'
import { contents, groupOf, idempotencyKey, instanceOf } from './log-v1.ts'

const [folder = ''] = process.argv.slice(2)
const stores = await openDisk(folder)
const server = serverOver(coreOver(stores))
const cluster = (await server.call('GET', '/v3/clusters')).text.match(/"cluster_id":"([^"]+)"/)?.[1]
await server.call('POST', `/v3/clusters/${cluster}/topics`, {
  type: 'application/json',
  body: { topic_name: 'kept', partitions_count: 2, configs: [{ name: 'retention.ms', value: '-1' }] },
})
for (const value of contents) {
  const call = { type: jsonType, body: { records: [{ key: 'k', value, timestamp: 1_767_225_600_000 }] } }
  await server.call('POST', '/topics/kept/partitions/1', call)
}
await server.call('POST', '/topics/kept/partitions/0', {
  type: jsonType,
  headers: { 'Idempotency-Key': idempotencyKey },
  body: { records: [{ value: 'once' }] },
})
const instance = `/consumers/${groupOf}/instances/${instanceOf}`
await server.call('POST', `/consumers/${groupOf}`, {
  type: v2,
  body: { name: instanceOf, format: 'json', 'auto.offset.reset': 'earliest' },
})
await server.call('POST', `${instance}/assignments`, {
  type: v2,
  body: { partitions: [{ topic: 'kept', partition: 1 }] },
})
await server.call('POST', `${instance}/offsets`, {
  type: v2,
  body: { offsets: [{ topic: 'kept', partition: 1, offset: 6 }] },
})
await stores.close()
