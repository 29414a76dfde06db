/**
 * What consumers of the classic group protocol tell each other through the coordinator: ConsumerProtocolSubscription.json and
 * ConsumerProtocolAssignment.json of Apache Kafka, versions 0 to 3. Two bytes of version, then the body.
 */
import { type Message, message, neverFlexible } from '../protocol/codec/message.ts'
import { readerOf, readInt16 } from '../protocol/codec/reader.ts'
import { array, bytes, ignorable, int32, or, orNull, since, string, struct } from '../protocol/codec/schema.ts'
import { newWriter, writeInt16, written } from '../protocol/codec/writer.ts'
import { KafkaError } from '../protocol/errors.ts'

const newestVersion = 3
const topicPartitions = struct({ topic: string, partitions: array(int32) })

export const consumerProtocolSubscription = message('ConsumerProtocolSubscription', [0, 3], neverFlexible, {
  topics: array(string),
  userData: orNull(bytes),
  ownedPartitions: ignorable(since(1, array(topicPartitions))),
  generationId: ignorable(since(2, or(-1, int32))),
  rackId: ignorable(since(3, orNull(string))),
})

export const consumerProtocolAssignment = message('ConsumerProtocolAssignment', [0, 3], neverFlexible, {
  assignedPartitions: array(topicPartitions),
  userData: orNull(bytes),
})

export type TopicPartitions = { readonly topic: string; readonly partitions: readonly number[] }

export type Subscription = {
  readonly topics: readonly string[]
  readonly userData?: Uint8Array
  /** What the member had when it joined, and in which generation; -1 where it does not say. */
  readonly owned: readonly TopicPartitions[]
  readonly generation: number
  readonly rack?: string
}

export type Assignment = { readonly partitions: readonly TopicPartitions[]; readonly userData?: Uint8Array }

type SubscriptionToWrite = Pick<Subscription, 'topics' | 'userData' | 'rack'> &
  Partial<Pick<Subscription, 'owned' | 'generation'>>

export function encodeSubscription(subscription: SubscriptionToWrite): Uint8Array {
  const { topics, userData, owned, generation, rack } = subscription
  return encode(consumerProtocolSubscription, {
    topics,
    userData: userData,
    ownedPartitions: owned,
    generationId: generation,
    rackId: rack,
  })
}

/** A version above 3 is read as 3, as Kafka does. Throws INVALID_REQUEST for bytes that are no subscription. */
export function decodeSubscription(bytes: Uint8Array): Subscription {
  const { topics, userData, ownedPartitions, generationId, rackId } = decode(consumerProtocolSubscription, bytes)
  return {
    topics,
    ...(userData ? { userData } : {}),
    owned: ownedPartitions,
    generation: generationId,
    ...(rackId === null ? {} : { rack: rackId }),
  }
}

export function encodeAssignment({ partitions, userData }: Assignment): Uint8Array {
  return encode(consumerProtocolAssignment, { assignedPartitions: partitions, userData })
}

/** As `decodeSubscription`. No bytes at all are no partitions: a member that was given nothing. */
export function decodeAssignment(bytes: Uint8Array): Assignment {
  if (bytes.length === 0) return { partitions: [] }
  const { assignedPartitions, userData } = decode(consumerProtocolAssignment, bytes)
  return { partitions: assignedPartitions, ...(userData ? { userData } : {}) }
}

function encode<Out, In>(message: Message<Out, In>, value: In): Uint8Array {
  const writer = newWriter()
  writeInt16(writer, newestVersion)
  message.write(writer, newestVersion, value)
  return written(writer)
}

/** What follows the body belongs to a newer version. */
function decode<Out, In>(message: Message<Out, In>, bytes: Uint8Array): Out {
  const reader = readerOf(bytes, message.name)
  const version = readInt16(reader)
  if (version < 0) throw new KafkaError('INVALID_REQUEST', `${message.name} has no version ${version}`)
  return message.read(reader, Math.min(version, newestVersion))
}
