/** Apache Kafka with a cleaner that never rests. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startKafka } from '../../../bench/kafka/servers.ts'
import { eventually, type Side } from './side.ts'

const impatient = {
  'log.cleaner.backoff.ms': '100',
  'log.cleaner.dedupe.buffer.size': String(16 * 1024 * 1024),
  'log.cleaner.threads': '1',
  'log.initial.task.delay.ms': '100',
  'log.retention.check.interval.ms': '200',
  'log.segment.delete.delay.ms': '100',
  'group.initial.rebalance.delay.ms': '0',
}

export async function openKafka(folder: string): Promise<Side> {
  const server = await startKafka(folder, impatient)
  return {
    name: 'Apache Kafka',
    port: Number(server.broker.split(':').at(-1)),
    async cleaned(topic, end) {
      await eventually(`Kafka cleaned ${topic} up to ${end}`, async () => (await checkpoint(folder, topic)) >= end)
    },
    retained: (topic, condition) => eventually(`Kafka has retained ${topic}`, condition),
    stop: () => server.stop(),
  }
}

/** How far the cleaner has come: a line `topic partition offset`, below a version and a count. */
async function checkpoint(folder: string, topic: string): Promise<number> {
  const text = await readFile(join(folder, 'logs/cleaner-offset-checkpoint'), 'utf8').catch(() => '')
  const line = text.split('\n').find((one) => one.startsWith(`${topic} 0 `))
  return Number(line?.split(' ').at(-1) ?? 0)
}
