/**
 * Makes test/fixtures/log-v1-segments: a data folder with two rolled segments. It was run once and its output is kept; run it again
 * only for a new version, into a new folder: `npx tsx test/formats/make-log-v1-segments.ts FOLDER`.
 */
import { createTopic } from '../../src/log/topics.ts'
import { maintainPartitions } from '../../src/maintenance/partitions-task.ts'
import { openDisk } from '../../src/store/embedded/disk.ts'
import { coreOver, send } from '../log/core.ts'
import { madeMs, rolledEarlier, rolledLater, unrolled } from './log-v1-segments.ts'

const hourMs = 3_600_000
const [folder = ''] = process.argv.slice(2)
const stores = await openDisk(folder)
let nowMs = madeMs
const plain = coreOver(stores)
const core = { ...plain, clock: { ...plain.clock, now: () => nowMs++ } }
const configs = { 'retention.ms': '-1', 'segment.ms': '1' }
const topic = await createTopic(core, { name: 'kept', configs })
const fill = async (values: readonly string[]) => {
  for (const value of values) await send(core, topic, 0, [value], nowMs)
}
const maintain = async () => {
  nowMs += hourMs
  const { error } = await maintainPartitions(core, () => false)
  if (error) throw error
}
await fill(rolledEarlier)
await maintain()
await maintain()
await fill(rolledLater)
await maintain()
await fill(unrolled)
await stores.close()
