/**
 * Fills a topic in a folder with so many small records over so many keys, rolls and compacts it in a clock that jumps, and says on its
 * last line what was done, how long compaction took, how many records are left and how much memory it had at most.
 */
import { readFile } from 'node:fs/promises'
import { alterTopicConfigs } from '../../../src/log/alter-topic.ts'
import { append } from '../../../src/log/append.ts'
import { createTopic } from '../../../src/log/topics.ts'
import { maintainPartitions } from '../../../src/maintenance/partitions-task.ts'
import { encodeBatch } from '../../../src/protocol/records/batch.ts'
import { systemClock } from '../../../src/runtime/system.ts'
import { openDisk } from '../../../src/store/embedded/disk.ts'
import { coreOver } from '../../log/core.ts'

const [, , folder = '', recordsText, keysText] = process.argv
const [records, keys] = [Number(recordsText), Number(keysText)]
const recordsABatch = 10_000
const minuteMs = 60_000

let aheadMs = 0
const clock = { ...systemClock, now: () => systemClock.now() + aheadMs }
const stores = await openDisk(folder)
const core = { ...coreOver(stores), clock }
const configs = { 'cleanup.policy': 'delete', 'segment.ms': String(minuteMs), 'min.cleanable.dirty.ratio': '0' }
const topic = await createTopic(core, { name: 'keyed', partitions: 1, configs })
const bytesOf = (text: string) => Buffer.from(text)
for (let at = 0; at < records; at += recordsABatch) {
  const batch = Array.from({ length: recordsABatch }, (_, more) => ({
    timestampMs: Math.floor(clock.now()),
    key: bytesOf(`k${(at + more) % keys}`),
    value: bytesOf(`v${at + more}`),
    headers: [],
  }))
  const [outcome] = await append(core, topic, [{ partition: 0, records: encodeBatch(batch) }])
  if (outcome && 'error' in outcome) throw outcome.error
}
aheadMs += 5 * minuteMs
const rolled = await maintainPartitions(core, () => false)
await alterTopicConfigs(core, 'keyed', { 'cleanup.policy': 'compact' })
aheadMs += 15 * minuteMs
const startedMs = performance.now()
const { compactedBytes, compactedSegments, failedPartitions, error } = await maintainPartitions(core, () => false)
const seconds = (performance.now() - startedMs) / 1_000
await stores.close()
const [, peakKb] = /VmHWM:\s+(\d+) kB/.exec(await readFile('/proc/self/status', 'utf8')) ?? []
const did = { rolledBytes: rolled.rolledBytes, compactedBytes, compactedSegments, failedPartitions }
console.log(JSON.stringify({ ...did, error: error && String(error), seconds, peakMb: Number(peakKb) / 1_024 }))
