/** KafkaJS: `PROGRAM host:port COMMAND JSON`; prints one line of JSON. See ../clients.ts. */
import { createRequire } from 'node:module'

// From the folder that the clients are installed in.
const require = createRequire(process.env.CLIENTS)
const { Kafka, logLevel } = require('kafkajs')

const [broker, command, json] = process.argv.slice(2)
const options = JSON.parse(json)
const kafka = new Kafka({ clientId: 'bench', brokers: [broker], logLevel: logLevel.NOTHING })

/** Some sends at a time, each of some hundred records, as KafkaJS has no buffer of its own. */
async function produce({ topic, bytes, count, aSend, atOnce }) {
  const producer = kafka.producer()
  await producer.connect()
  const value = Buffer.alloc(bytes, 'v')
  const messages = Array.from({ length: aSend }, () => ({ value }))
  await producer.send({ topic, messages })
  let left = count - aSend
  const begun = performance.now()
  const sender = async () => {
    while (left > 0) {
      left -= aSend
      await producer.send({ topic, messages })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, sender))
  const seconds = (performance.now() - begun) / 1000
  await producer.disconnect()
  return { perSecond: (count - aSend) / seconds }
}

async function consume({ topic, count }) {
  const consumer = kafka.consumer({ groupId: `bench-${topic}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let begun
  let first = 0
  let seen = 0
  const seconds = await new Promise((resolve, reject) => {
    consumer
      .run({
        eachBatch: async ({ batch }) => {
          // The joining of the group is not what is measured.
          if (begun === undefined) {
            begun = performance.now()
            first = batch.messages.length
          }
          seen += batch.messages.length
          if (seen >= count) resolve((performance.now() - begun) / 1000)
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return { perSecond: (seen - first) / seconds }
}

console.log(JSON.stringify(await { produce, consume }[command](options)))
process.exit(0)
