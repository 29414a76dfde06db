import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { apis } from '../../../src/protocol/apis.ts'
import { everyMessage, readFixture } from '../../protocol/golden.ts'
import { rangeOf, tellKafkas, tellOurs } from './describe.ts'
import { kafkasAssignments, kafkasMessages } from './java.ts'

const { definitions, golden } = await kafkasMessages()

describe("our tables, beside those of Kafka's own client", () => {
  it.each(definitions)('$name: names, types, versions, nulls, defaults, tags', (definition) => {
    const message = everyMessage.get(definition.name)
    if (!message) throw new Error(`no table for ${definition.name}`)
    expect(message.versions).toEqual(rangeOf(definition.validVersions))
    // A first flexible version before the first valid one is the same as it.
    const flexible = rangeOf(definition.flexibleVersions)[0]
    expect(Math.max(message.firstFlexible, message.versions[0])).toBe(Math.max(flexible, message.versions[0]))
    for (let version = message.versions[0]; version <= message.versions[1]; version++)
      expect([version, ...tellOurs(message, version)]).toEqual([version, ...tellKafkas(definition, version)])
  })

  it('are all compared', () => {
    expect(definitions.map(({ name }) => name)).toEqual([...everyMessage.keys()])
  })

  it('have the same keys, and leave out the versions that Kafka calls unstable', () => {
    for (const { key, request, versions } of Object.values(apis)) {
      const definition = definitions.find(({ name }) => name === request.name)
      const [first, last] = rangeOf(definition?.validVersions ?? 'none')
      expect([request.name, key, versions]).toEqual([
        request.name,
        definition?.apiKey,
        [first, definition?.latestVersionUnstable ? last - 1 : last],
      ])
    }
  })
})

describe('the fixtures', () => {
  it('hold the messages that Kafka writes', () => {
    expect(readFixture()).toEqual(golden)
  })

  it('hold the assignments that Kafka makes', async () => {
    const kept = readFileSync(new URL('../../fixtures/assignors/kafka-4.1.0.json', import.meta.url), 'utf8')
    expect(JSON.parse(kept)).toEqual(JSON.parse(await kafkasAssignments()))
  })
})
