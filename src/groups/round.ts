/**
 * A round takes a group from one generation to the next: opened by whoever notices that one is needed, closed when everyone who
 * lives has joined, settled by the leader's plan. All without stores: a group, what happened, the time → the next group, or what
 * to do.
 */

import type { Beat } from './beat.ts'
import type { Group, Pieces } from './group.ts'
import type { Member } from './member.ts'
import { type Asked, commonTo, voted } from './rules.ts'

/** Waiting members look no more often than this, all together: a look reads every member. */
export const lookEveryMs = 1_000

/** A round of a group that has members: `expected` of them are awaited. */
export const opened = (group: Group, expected: number, nowMs: number): Group => ({
  ...group,
  state: 'preparing',
  expected,
  joined: 0,
  notBeforeMs: 0,
  deadlineMs: nowMs + group.rebalanceMs,
  lookMs: nowMs + lookEveryMs,
  changedMs: nowMs,
})

/** The first round of an empty group, which waits a little for members that start together. */
export function openedAnew(group: Group, asked: Asked, rebalanceMs: number, delayMs: number, nowMs: number): Group {
  const { roster: _roster, plan: _plan, ...rest } = group
  return {
    ...opened({ ...rest, rebalanceMs }, 0, nowMs),
    protocolType: asked.protocolType,
    common: asked.protocols.map(({ name }) => name),
    notBeforeMs: nowMs + delayMs,
    lookMs: nowMs + delayMs,
  }
}

/** Everyone who was awaited has been counted: time to look. A hint; the look decides. */
export const seemsComplete = (group: Group, nowMs: number): boolean =>
  group.state === 'preparing' && group.joined >= group.expected && nowMs >= group.notBeforeMs

/** The next generation: of these members, by this roster. Without members the group is empty, and older commits are fenced. */
export function closed(group: Group, members: readonly Member[], roster: Pieces | undefined, nowMs: number): Group {
  const { plan: _plan, roster: _roster, ...rest } = group
  const [oldest] = members.toSorted((a, b) => a.sinceMs - b.sinceMs || (a.slot < b.slot ? -1 : 1))
  const generation = group.generation + 1
  const common = members.reduce(
    (names, { protocols }) => commonTo(names, protocols),
    oldest?.protocols.map(({ name }) => name) ?? [],
  )
  // Only who has joined can assign: a static member may be kept that has not (KIP-345).
  const candidates = members.filter(({ joins }) => joins === generation)
  const leader =
    candidates.find(({ slot }) => slot === group.leaderSlot) ??
    candidates.find((one) => one === oldest) ??
    candidates[0]
  const rebalanceMs = Math.max(0, ...members.map((member) => member.rebalanceMs))
  return {
    ...rest,
    state: leader ? 'completing' : 'empty',
    generation,
    protocol: voted(common, members),
    common,
    leader: leader?.memberId ?? '',
    leaderSlot: leader?.slot ?? '',
    members: members.length,
    expected: 0,
    joined: 0,
    notBeforeMs: 0,
    deadlineMs: nowMs + rebalanceMs,
    lookMs: nowMs + lookEveryMs,
    rebalanceMs,
    changedMs: nowMs,
    ...(roster && { roster }),
  }
}

export const settledBy = (group: Group, plan: Pieces, nowMs: number): Group => ({
  ...group,
  state: 'stable',
  plan,
  changedMs: nowMs,
})

export const isDead = (member: Member, beat: Beat | undefined, nowMs: number): boolean =>
  nowMs - Math.max(member.ms, beat?.ms ?? 0) > member.sessionMs

export type Look =
  | { readonly so: 'wait' }
  /** Members have gone, or the leader has not answered: the rest has to form a new generation. */
  | { readonly so: 'open'; readonly expected: number; readonly givenUp: readonly Member[] }
  /** Some of those whose join was awaited are gone. */
  | { readonly so: 'recount'; readonly expected: number; readonly joined: number }
  | { readonly so: 'close'; readonly members: readonly Member[]; readonly givenUp: readonly Member[] }

/** What a look at the living members leads to. Members that only have an id count nowhere (KIP-394). */
export function lookAt(group: Group, alive: readonly Member[], nowMs: number): Look {
  const members = alive.filter(({ joins }) => joins > 0)
  switch (group.state) {
    case 'empty':
      return { so: 'wait' }
    case 'stable':
      return members.length < group.members ? { so: 'open', expected: members.length, givenUp: [] } : { so: 'wait' }
    case 'completing': {
      // A leader that lives and does not sync is given up like one that does not join (KAFKA-12984).
      const late = nowMs >= group.deadlineMs ? members.filter(({ slot }) => slot === group.leaderSlot) : []
      const complete = members.length >= group.members && members.some(({ slot }) => slot === group.leaderSlot)
      return complete && late.length === 0
        ? { so: 'wait' }
        : { so: 'open', expected: members.length - late.length, givenUp: late }
    }
    case 'preparing':
      return lookAtRound(group, members, nowMs)
  }
}

function lookAtRound(group: Group, members: readonly Member[], nowMs: number): Look {
  if (nowMs < group.notBeforeMs) return { so: 'wait' }
  const target = group.generation + 1
  const joined = members.filter(({ joins }) => joins === target)
  // One that was not counted may speak what the others do not. It will find itself missing, and be refused.
  const fitting = joined.filter(({ protocols }) => commonTo(group.common, protocols).length > 0)
  const awaited = members.filter(({ joins }) => joins < target)
  if (awaited.length === 0) return { so: 'close', members: fitting, givenUp: [] }
  if (nowMs < group.deadlineMs) {
    return members.length < group.expected
      ? { so: 'recount', expected: members.length, joined: joined.length }
      : { so: 'wait' }
  }
  // At the deadline a static member keeps its place for as long as it lives (KIP-345); others lose theirs.
  const kept = awaited.filter(({ instanceId }) => instanceId !== undefined)
  const givenUp = awaited.filter(({ instanceId }) => instanceId === undefined)
  if (fitting.length === 0 && kept.length > 0) return { so: 'wait' }
  return { so: 'close', members: [...fitting, ...kept], givenUp }
}
