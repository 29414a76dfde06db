/**
 * Makes test/fixtures/log-v1-idempotent: a data folder with refs of idempotent producers (bit 3 of a ref's first byte), states in
 * a head and states that have left it. It was run once and its output is kept; run it again only for a new version, into a new
 * folder: `npx tsx test/formats/make-log-v1-idempotent.ts FOLDER`.
 */
import { createTopic } from '../../src/log/topics.ts'
import { openDisk } from '../../src/store/embedded/disk.ts'
import { coreOver, send } from '../log/core.ts'
import { type Sent, sendAs } from '../log/producer.ts'
import { batches } from './log-v1-idempotent.ts'

const madeMs = 1_767_225_600_000
const [folder = ''] = process.argv.slice(2)
const stores = await openDisk(folder)
let nowMs = madeMs
const plain = coreOver(stores)
const core = { ...plain, clock: { ...plain.clock, now: () => nowMs++ } }
const keep = async (sent: Sent) => {
  const offset = await sendAs(core, topic, { ...sent, timestampMs: madeMs })
  if (typeof offset === 'string') throw new Error(offset)
}
const topic = await createTopic(core, { name: 'kept', configs: { 'retention.ms': '-1' } })
for (const batch of batches.left) await keep(batch)
nowMs += 11 * 60_000
for (let count = 0; count < 20; count++) await send(core, topic, 0, ['of nobody'], madeMs)
for (const batch of batches.active) await keep(batch)
await stores.close()
