/**
 * What members of consumer groups asked, were told and did. As `history.ts`, of which these are part, it imports nothing of
 * Millrace.
 *
 * A slot is what a member keeps when its process is replaced: the instance id of a static member; others are their member id.
 */
import type { Where } from './history.ts'

/** Partitions by slot. */
export type Plan = { readonly [slot: string]: readonly number[] }

export type Given = { readonly partition: number; readonly committed: number | null }

type InGroup = { readonly group: string; readonly slot: string; readonly memberId: string }

export type GroupEvent =
  /** A call begins; what it was told comes as an event of its own, or never. */
  | ({ readonly kind: 'join-sent' } & InGroup)
  /** `members`: the slots it was told of, where it leads. */
  | ({ readonly kind: 'joined'; readonly generation: number; readonly members?: readonly string[] } & InGroup)
  /** By the leader, before it syncs; it may send several for one generation. */
  | ({ readonly kind: 'plan-sent'; readonly generation: number; readonly plan: Plan } & InGroup)
  | ({ readonly kind: 'sync-sent'; readonly generation: number } & InGroup)
  /** What a sync answered: its partitions, with what the group had committed there. */
  | ({
      readonly kind: 'given'
      readonly generation: number
      readonly topicId: string
      readonly partitions: readonly Given[]
    } & InGroup)
  /** It is no member any more: it was told so, or has left. */
  | ({ readonly kind: 'disowned'; readonly error: string } & InGroup)
  /** It has done what it does with the records from `from` to before `next`. */
  | ({ readonly kind: 'handled'; readonly from: number; readonly next: number } & InGroup & Where)
  /** Members commit growing offsets only. */
  | ({
      readonly kind: 'member-commit-sent'
      readonly attempt: string
      readonly generation: number
      readonly offset: number
    } & InGroup &
      Where)
  | { readonly kind: 'member-commit-acked'; readonly attempt: string }
  /** Certainly without effect, by the answer. */
  | { readonly kind: 'member-commit-refused'; readonly attempt: string; readonly error: string }
  | { readonly kind: 'member-commit-unknown'; readonly attempt: string }
  | ({ readonly kind: 'member-committed'; readonly group: string; readonly offset: number | null } & Where)
  /**
   * Some time after everything healed: who lives, and what each owns by an answer since then (`null`: nothing yet); how far the
   * log went when it healed, and what the group has committed by now.
   */
  | {
      readonly kind: 'group-final'
      readonly group: string
      readonly topicId: string
      readonly living: readonly {
        readonly slot: string
        readonly generation: number | null
        readonly partitions: readonly number[]
      }[]
      readonly logs: readonly { readonly partition: number; readonly end: number; readonly committed: number | null }[]
    }
