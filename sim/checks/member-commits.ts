/**
 * Commits of a group's members. From the moment that an owner was told that a partition is his, older generations commit nothing
 * there: what he was told is where the group stands, and from then on only he and his successors move it. Members commit growing
 * offsets, so what is committed never goes back. Who is no member any more commits nothing; a commit that was refused changes
 * nothing.
 */
import type { Anomaly, Event } from '../history.ts'
import { type Bound, type Facts, type Kind, knownAt } from './facts.ts'
import { type Reports, reports, text } from './reports.ts'

type Commit = { readonly sent: Kind<'member-commit-sent'>; readonly at: number; ended?: Event }
type Owner = {
  readonly at: number
  readonly generation: number
  readonly committed: number | null
  readonly event: Event
}
type Chain = {
  readonly commits: Commit[]
  /** Each of a generation later than the one before. */
  readonly owners: Owner[]
  /** What is known to be committed, each greater than the one before. */
  readonly known: Bound[]
}
type Member = { readonly at: number; readonly event: Event }
type Groups = {
  readonly chains: Map<string, Chain>
  readonly commits: Map<string, { readonly commit: Commit; readonly chain: Chain }>
  /** By group and member id: when it was told first that it is no member. */
  readonly disowned: Map<string, Member>
  readonly generations: Map<string, Bound[]>
}
type Seen = { readonly offset: number | null; readonly event: Event; readonly at: number; readonly where: string }

export function checkMemberCommits(facts: Facts): readonly Anomaly[] {
  const found = reports()
  const groups: Groups = { chains: new Map(), commits: new Map(), disowned: new Map(), generations: new Map() }
  for (const [at, event] of facts.history.entries()) {
    switch (event.kind) {
      case 'joined':
        know(groups.generations, event.group, event.generation, event, at)
        break
      case 'given':
        know(groups.generations, event.group, event.generation, event, at)
        for (const { partition, committed } of event.partitions) {
          const chain = chainOf(groups, event, partition)
          see(facts, chain, { offset: committed, event, at, where: text({ ...event, partition }) }, found)
          if (event.generation > (chain.owners.at(-1)?.generation ?? 0))
            chain.owners.push({ at, generation: event.generation, committed, event })
        }
        break
      case 'disowned': {
        const key = memberKey(event)
        if (!groups.disowned.has(key)) groups.disowned.set(key, { at, event })
        break
      }
      case 'member-commit-sent': {
        const chain = chainOf(groups, event, event.partition)
        const commit: Commit = { sent: event, at }
        chain.commits.push(commit)
        groups.commits.set(event.attempt, { commit, chain })
        break
      }
      case 'member-commit-acked':
      case 'member-commit-refused':
      case 'member-commit-unknown':
        end(groups, event, at, found)
        break
      case 'member-committed':
        see(
          facts,
          chainOf(groups, event, event.partition),
          { offset: event.offset, event, at, where: text(event) },
          found,
        )
        break
    }
  }
  for (const chain of groups.chains.values()) checkRefused(chain, found)
  return found.all()
}

const memberKey = ({ group, memberId }: { readonly group: string; readonly memberId: string }) =>
  JSON.stringify([group, memberId])

function chainOf({ chains }: Groups, { group, topicId }: { group: string; topicId: string }, partition: number): Chain {
  const key = JSON.stringify([group, topicId, partition])
  const chain = chains.get(key) ?? { commits: [], owners: [], known: [] }
  chains.set(key, chain)
  return chain
}

function know(generations: Map<string, Bound[]>, group: string, generation: number, event: Event, at: number): void {
  const known = generations.get(group) ?? []
  generations.set(group, known)
  if (generation > (known.at(-1)?.offset ?? 0)) known.push({ at, offset: generation, event })
}

function end(groups: Groups, event: Extract<Event, { attempt: string }>, at: number, found: Reports): void {
  const known = groups.commits.get(event.attempt)
  if (!known) throw new Error(`the history answers commit ${event.attempt}, which it never sent`)
  const { commit, chain } = known
  commit.ended = event
  if (event.kind !== 'member-commit-acked') return
  const { sent } = commit
  const what = `a commit of ${sent.offset} in ${text(sent)} by ${sent.slot} of generation ${sent.generation} was taken`
  const newest = knownAt(groups.generations.get(sent.group) ?? [], commit.at)
  if (newest && sent.generation < newest.offset) {
    const late = `${what}, though the group was in generation ${newest.offset}`
    found.add('old-generation-commits', sent, late, [newest.event, sent, event])
  }
  const disowned = groups.disowned.get(memberKey(sent))
  if (disowned && disowned.at < commit.at) {
    const stranger = `${what}, though it had been told that it is no member any more`
    found.add('stranger-commits', sent, stranger, [disowned.event, sent, event])
  }
  // Taken before the next owner was told, he was told of it; taken after that, it should not have been.
  const next = chain.owners.find(({ generation }) => generation > sent.generation)
  if (next && (next.committed ?? -1) < sent.offset) {
    const late = `${what}, and the next owner was told ${next.committed ?? 'none'}`
    found.add('old-owner-commits', sent, late, [sent, next.event, event])
  }
  hold(chain, sent.offset, event, at)
}

function hold({ known }: Chain, offset: number, event: Event, at: number): void {
  if (offset > (known.at(-1)?.offset ?? -1)) known.push({ at, offset, event })
}

/** Somebody was told that so much is committed. */
function see(facts: Facts, chain: Chain, { offset, event, at, where }: Seen, found: Reports): void {
  const began = facts.beganAfter(at)
  const before = knownAt(chain.known, began)
  if (before && (offset ?? -1) < before.offset) {
    const what = `${where} stood at ${offset ?? 'none'} after it had stood at ${before.offset}`
    found.add('member-commit-forgotten', event, what, [before.event, event])
  }
  if (offset === null) return
  const sent = chain.commits.filter((commit) => commit.sent.offset === offset)
  if (sent.length === 0) {
    found.add('member-commit-invented', event, `${where} stands at ${offset}, which no member had committed`, [event])
  }
  const owner = chain.owners.findLast((one) => one.at <= began)
  const isHis = owner && (offset === owner.committed || sent.some((one) => one.sent.generation >= owner.generation))
  if (owner && !isHis && sent.length > 0) {
    const told = `its owner of generation ${owner.generation} was told ${owner.committed ?? 'none'}`
    const what = `${where} stands at ${offset}, which only older owners had committed, though ${told}`
    found.add('old-owner-commits', owner, what, [...sent.map((one) => one.sent), owner.event, event])
  }
  hold(chain, offset, event, at)
}

/** What nobody committed but in vain is never seen. */
function checkRefused(chain: Chain, found: Reports): void {
  const inVain = new Map<number, Event[]>()
  for (const { sent, ended } of chain.commits) {
    if (ended?.kind !== 'member-commit-refused') continue
    inVain.set(sent.offset, [...(inVain.get(sent.offset) ?? []), sent, ended])
  }
  for (const { sent, ended } of chain.commits) if (ended?.kind !== 'member-commit-refused') inVain.delete(sent.offset)
  for (const { offset, event } of chain.known) {
    const refused = inVain.get(offset)
    if (!refused) continue
    const what = `the group stands at ${offset}, though each commit of it was refused`
    found.add('refused-commit-took-effect', event, what, [...refused, event])
  }
}
