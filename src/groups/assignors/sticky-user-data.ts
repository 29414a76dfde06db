/**
 * What a member of Kafka's StickyAssignor says of its last assignment, in the user data of its subscription
 * (org.apache.kafka.clients.consumer.StickyAssignor, schemas v0 and v1). There is no version in the bytes: v1 is v0 and the generation.
 */
import { message, neverFlexible } from '../../protocol/codec/message.ts'
import { readerOf } from '../../protocol/codec/reader.ts'
import { array, int32, or, since, string, struct } from '../../protocol/codec/schema.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { TopicPartitions } from '../protocol.ts'

const stickyUserData = message('StickyAssignorUserData', [0, 1], neverFlexible, {
  previousAssignment: array(struct({ topic: string, partitions: array(int32) })),
  generation: since(1, or(-1, int32)),
})

export type StickyUserData = { readonly owned: readonly TopicPartitions[]; readonly generation: number }

/** Version 1. */
export function encodeStickyUserData({ owned, generation }: StickyUserData): Uint8Array {
  return stickyUserData.encode(1, { previousAssignment: owned, generation })
}

/** Broken data are no claim at all, as in Kafka: the member is treated as new. A claim of v0 has generation -1. */
export function decodeStickyUserData(bytes: Uint8Array): StickyUserData {
  for (const version of [1, 0]) {
    try {
      const { previousAssignment, generation } = stickyUserData.read(readerOf(bytes, stickyUserData.name), version)
      return { owned: previousAssignment, generation }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
    }
  }
  return { owned: [], generation: -1 }
}
