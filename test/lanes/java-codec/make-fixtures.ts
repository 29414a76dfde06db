/** Writes anew what the tests keep of Kafka's own messages and assignments: `npx tsx test/lanes/java-codec/make-fixtures.ts`. */
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { fixture } from '../../protocol/golden.ts'
import { kafkasAssignments, kafkasMessages } from './java.ts'

const { golden } = await kafkasMessages()
const lines = golden.map((example) => `${JSON.stringify(example)}\n`).join('')
writeFileSync(fixture, gzipSync(lines, { level: 9 }))
writeFileSync(new URL('../../fixtures/assignors/kafka-4.1.0.json', import.meta.url), await kafkasAssignments())
