/** What one client writes, each of the others reads. */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, expect, inject, it } from 'vitest'
import { allCompressions, toSend } from './behaviour.ts'
import { type Client, clientOf } from './client.ts'
import { installGo, installJava, installPython, javaArgs, nodeProgram, source } from './install.ts'
import { killPrograms } from './program.ts'
import { newTopic } from './topics.ts'

let clients: { readonly [name: string]: Client }
beforeAll(async () => {
  const python = await installPython()
  const broker = inject('kafka')
  clients = {
    librdkafka: clientOf({ file: python, args: [source('python', 'librdkafka.py')] }, broker),
    kafkaPython: clientOf({ file: python, args: [source('python', 'pure.py')] }, broker),
    aiokafka: clientOf({ file: python, args: [source('python', 'aio.py')] }, broker),
    kafkajs: clientOf(await nodeProgram('kafkajs.mjs'), broker),
    platformatic: clientOf(await nodeProgram('platformatic.mjs'), broker),
    java: clientOf({ file: 'java', args: [...javaArgs(await installJava()), 'JavaClient'] }, broker),
    franz: clientOf({ file: await installGo(), args: [] }, broker),
  }
})
afterEach(killPrograms)

it('every client reads what every client wrote, in every compression', async () => {
  const topic = `t-${randomUUID()}`
  await newTopic(topic, 1)
  const sent = []
  for (const [name, client] of Object.entries(clients)) {
    const batches = allCompressions.map((compression, at) => ({
      compression,
      idempotent: false,
      records: [0, 1].map((nth) =>
        toSend(at, { value: `${name} ${compression} ${nth} `.repeat(100), headers: [['by', name]] }),
      ),
    }))
    await client.produce(topic, batches)
    sent.push(...batches.flatMap(({ records }) => records))
  }
  const wanted = sent.map((record, offset) => ({ ...record, offset }))
  for (const client of Object.values(clients)) {
    expect(await (await client.consume(topic, 'start', wanted.length)).records()).toEqual(wanted)
  }
})
