/** Kafka's command-line tools, as `kafka-topics.sh` and its likes call them. */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, expect, inject, it } from 'vitest'
import { installJava, javaArgs } from './install.ts'
import { killPrograms, runProgram } from './program.ts'

let classPath: string
beforeAll(async () => {
  classPath = await installJava()
})
afterEach(killPrograms)

it('topics, configs, records, offsets and groups are managed with the tools', async () => {
  const topic = `t-${randomUUID()}`
  const at = ['--bootstrap-server', inject('kafka')]
  const calls = [
    ['org.apache.kafka.tools.TopicCommand', ...at, '--create', '--topic', topic, '--partitions', '3'],
    ['org.apache.kafka.tools.TopicCommand', ...at, '--describe', '--topic', topic],
    ['kafka.admin.ConfigCommand', ...at, '--alter', '--topic', topic, '--add-config', 'retention.ms=123456789'],
    ['kafka.admin.ConfigCommand', ...at, '--describe', '--topic', topic],
    [
      'org.apache.kafka.tools.ProducerPerformance',
      '--topic',
      topic,
      '--num-records',
      '1000',
      '--record-size',
      '100',
    ].concat(['--throughput', '-1', '--producer-props', `bootstrap.servers=${inject('kafka')}`]),
    ['org.apache.kafka.tools.GetOffsetShell', ...at, '--topic', topic],
    ['org.apache.kafka.tools.consumer.ConsoleConsumer', ...at, '--topic', topic, '--from-beginning'].concat([
      '--group',
      topic,
      '--max-messages',
      '1000',
    ]),
    ['org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', ...at, '--describe', '--group', topic],
    ['org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', ...at, '--delete', '--group', topic],
    ['org.apache.kafka.tools.TopicCommand', ...at, '--delete', '--topic', topic],
  ]
  const input = calls.map((words) => `${words.join('\t')}\n`).join('')
  const lines = await runProgram({ file: 'java', args: [...javaArgs(classPath), 'Tools'] }, input)
  expect(
    lines.filter((line) => line.startsWith('=> ')),
    lines.join('\n'),
  ).toEqual(calls.map(() => '=> 0'))
  const said = lines.join('\n')
  expect(said).toContain(`Topic: ${topic}`)
  expect(said).toContain('PartitionCount: 3')
  expect(said).toContain('retention.ms=123456789')
  expect(said).toMatch(/1000 records sent/)
  expect(said).toContain('successful')
})
