import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { consumerProtocolAssignment, consumerProtocolSubscription } from '../../src/groups/protocol.ts'
import { apis } from '../../src/protocol/apis.ts'
import type { Message } from '../../src/protocol/codec/message.ts'
import { requestHeader, responseHeader } from '../../src/protocol/messages/headers.ts'

/** What a message is in general: its own types are forgotten. */
export type AnyMessage = Message<unknown, never>

/** Every message we know, by Kafka's name. */
export const everyMessage: ReadonlyMap<string, AnyMessage> = new Map(
  [
    ...Object.values(apis).flatMap(({ request, response }): AnyMessage[] => [request, response]),
    requestHeader,
    responseHeader,
    consumerProtocolSubscription,
    consumerProtocolAssignment,
  ].map((message) => [message.name, message]),
)

/** What a message says, as JSON with bytes in base64 (tagged fields partly left out), and how Kafka's own classes write it. */
export type Golden = {
  readonly message: string
  readonly version: number
  readonly variant: string
  readonly bytes: string
  readonly value: object
}

export const fixture = new URL('../fixtures/protocol/kafka-4.1.0.jsonl.gz', import.meta.url)

export const readFixture = (): Golden[] =>
  gunzipSync(readFileSync(fixture))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

/** A decoded value, written as in Java's JSON. */
export function asJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(asJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, asJson(field)]))
}

/** Decodes and encodes again. The cast is sound: what a message gives, it takes. */
export function thereAndBack(
  message: AnyMessage,
  version: number,
  bytes: Uint8Array,
): { value: unknown; bytes: Buffer } {
  const value = message.decode(version, bytes)
  return { value, bytes: message.encode(version, value as never) }
}
