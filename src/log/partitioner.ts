/**
 * Which partition a record goes to, as Kafka's own producer decides: the one it names; by murmur2 of its key; and without
 * either, all of one request to one partition chosen at random ("sticky", KIP-480), so that they share a batch.
 */
import { partitionForKey } from '../protocol/murmur2.ts'
import type { Random } from '../runtime/clock.ts'

export type Partitioner = (key: Uint8Array | null, explicit?: number) => number

/** A partitioner for the records of one request. */
export function partitioner(random: Pick<Random, 'below'>, partitions: number): Partitioner {
  let sticky: number | undefined
  return (key, explicit) => {
    if (explicit !== undefined) return explicit
    if (key) return partitionForKey(key, partitions)
    sticky ??= random.below(partitions)
    return sticky
  }
}
