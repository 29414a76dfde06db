import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KafkaError } from '../../src/protocol/errors.ts'
import { asJson, everyMessage, type Golden, readFixture, thereAndBack } from './golden.ts'

/** Written by Kafka's own classes (test/lanes/java-codec, which also sees to it that they are up to date). */
const golden = readFixture()

function messageOf({ message }: Golden) {
  const found = everyMessage.get(message)
  if (!found) throw new Error(`no table for ${message}`)
  return found
}

describe('messages that Kafka wrote', () => {
  it('are there in every version of every table', () => {
    for (const { name, versions } of everyMessage.values()) {
      const seen = golden.filter(({ message, variant }) => message === name && variant === 'full')
      const all = Array.from({ length: versions[1] - versions[0] + 1 }, (_, at) => versions[0] + at)
      expect([name, seen.map(({ version }) => version)]).toEqual([name, all])
    }
  })

  it.each([...everyMessage.keys()])('%s is read as what it says, and written as the same bytes', (name) => {
    for (const example of golden.filter(({ message }) => message === name)) {
      const original = Buffer.from(example.bytes, 'base64')
      const { value, bytes } = thereAndBack(messageOf(example), example.version, original)
      expect(asJson(value)).toMatchObject(example.value)
      expect(bytes.toString('hex')).toBe(original.toString('hex'))
    }
  })
})

/** Reads bytes that may be anything: what is read, can be written; what is not, is refused by name. Says which. */
function survive(example: Golden, bytes: Buffer): 'read' | 'refused' {
  const message = messageOf(example)
  try {
    const { value, bytes: again } = thereAndBack(message, example.version, bytes)
    // No more came out of it than went in.
    expect(elementsIn(value)).toBeLessThanOrEqual(bytes.length)
    // Not the same bytes, perhaps: text that was no UTF-8 or a longer form of a number. But the same message.
    expect(asJson(message.decode(example.version, again))).toEqual(asJson(value))
    return 'read'
  } catch (error) {
    if (error instanceof KafkaError && error.error === 'INVALID_REQUEST') return 'refused'
    throw error
  }
}

function elementsIn(value: unknown): number {
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return 0
  const own = Array.isArray(value) ? value.length : 0
  return Object.values(value).reduce<number>((sum, field) => sum + elementsIn(field), own)
}

const anyGolden = fc.constantFrom(...golden.filter(({ bytes }) => bytes !== ''))

describe('a broken message', () => {
  it('is refused wherever it is cut off', () => {
    const cut = fc.tuple(anyGolden, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))
    fc.assert(
      fc.property(cut, ([example, where]) => {
        const bytes = Buffer.from(example.bytes, 'base64')
        expect(survive(example, bytes.subarray(0, Math.floor(bytes.length * where)))).toBe('refused')
      }),
      { numRuns: 2_000 },
    )
  })

  it('is read or refused whatever its bytes are: no crash, no hang, no memory for what is not there', () => {
    const bytes = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255))
    const changes = fc.array(fc.tuple(fc.nat(), bytes), { minLength: 1, maxLength: 6 })
    const seen = { read: 0, refused: 0 }
    fc.assert(
      fc.property(anyGolden, changes, (example, list) => {
        const broken = Buffer.from(example.bytes, 'base64')
        for (const [at, byte] of list) broken[at % broken.length] = byte
        seen[survive(example, broken)]++
      }),
      { numRuns: 10_000 },
    )
    expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(500)
  })

  it('is no danger where it is nothing but noise', () => {
    fc.assert(
      fc.property(
        anyGolden,
        fc.uint8Array({ maxLength: 300 }),
        (example, noise) => void survive(example, Buffer.from(noise)),
      ),
      { numRuns: 5_000 },
    )
  })
})
