/** What brokers told of who leads what, and what they answered as leaders. As `history.ts`, it imports nothing of Millrace. */
import type { Where } from './history.ts'

/** What one broker said and did when it was asked about everything, with nobody else at work. */
export type BrokerLook = {
  readonly host: string
  readonly node: number
  readonly told: readonly { readonly partition: number; readonly leader: number; readonly epoch: number }[]
  /** Of which partitions it answers a fetch as their leader. */
  readonly leads: readonly number[]
  /** Who coordinates the group, by its word; -1 nobody. */
  readonly coordinator: number
  /** Whether it takes a request for the group. */
  readonly coordinates: boolean
}

export type BrokerEvent =
  /** `by`: one life of a broker, which was asked at `sentMs`. Of a partition without a leader nothing is told. */
  | ({
      readonly kind: 'leader-told'
      readonly by: string
      readonly sentMs: number
      readonly leader: number
      readonly epoch: number
    } & Where)
  /**
   * A broker answered as leader, in an epoch that is not less than the first, which was its own when the request came, and not greater
   * than the other, which was when it answered. `attempt`: the append that it acknowledged.
   */
  | ({
      readonly kind: 'led'
      readonly by: string
      readonly node: number
      readonly sentMs: number
      readonly leaseMs: number
      readonly epochFrom: number
      readonly epochTo: number
      readonly attempt?: string
    } & Where)
  /** All that stands before it was acknowledged to its producer, and it is told that it does not come next. */
  | ({ readonly kind: 'next-refused'; readonly producer: string; readonly sequence: number } & Where)
  /** Each broker that lives, some time after the last change. `group`: the one whose coordinator was asked for. */
  | {
      readonly kind: 'brokers-final'
      readonly topicId: string
      readonly group: string
      readonly partitions: number
      readonly brokers: readonly BrokerLook[]
    }
