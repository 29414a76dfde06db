/**
 * A REST consumer instance: all of it is one item, so any server answers any call.
 *
 *   v            1
 *   format       `json` or `binary`, what it was created to read
 *   reset        `earliest` or `latest`: where to begin without a position
 *   minBytes     `fetch.min.bytes`
 *   timeoutMs    `consumer.request.timeout.ms`
 *   emptyCommit  whether commits answer 204
 *   assigned     list of {t topic, i topic id, p partition, o position or null, c what of it is known to be committed}: assigned by
 *                hand, or owned as a member of the group
 *   rev          eight random bytes in hex, new at every write: whoever changes the item names the one it read
 *   usedMs       when it was last used, to the minute
 *
 * Added since, all of them absent in older items:
 *
 *   commitEvery  `auto.commit.interval.ms`; 0: no auto commit
 *   sessionMs, rebalanceMs, idleMs   how long a member may be silent, take to rejoin; how long the instance may be unused
 *   strategies   names of assignors, as the group shall prefer them
 *   goneMs       usedMs + idleMs: from then on the name may be taken again
 *   epoch        counts what replaces positions: assign, seek, subscribe, rebalance. A poll's own moves leave it
 *   byMs         when the poll began that moved the positions last
 *   commitMs     when offsets were last committed by themselves
 *   beatMs       when the member's heartbeat was last written
 *   topics, pattern   the subscription: one of them
 *   member       the member's id in the group; '' before it has one
 *   generation   in which `assigned` was owned; -1: none
 *   synced       a generation that was joined, whose assignment is still to be fetched; -1: none
 *   rejoin       whether the next poll has to join again
 *   comparedMs   when the topics were last compared with `seen`
 *   seen         what the topics were when the member joined, as a digest
 *   watch        topics of other members that this one, as leader, has to compare as well
 */
import { requireFormat } from '../../log/format.ts'
import { consumerKey } from '../../log/keys.ts'
import { type Item, type Patch, remove, set, type Value } from '../../store/items.ts'
import type { EmbeddedFormat } from '../media-types.ts'

export const itemFormat = 1

export type AssignedPartition = {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** The next offset to hand out; `null` until the first poll or seek. */
  readonly position: number | null
  /** What this instance committed last, or found committed; `null`: nothing that it knows of. */
  readonly committed: number | null
}

export type Reset = 'earliest' | 'latest'
export type Strategy = 'range' | 'roundrobin' | 'sticky'

/** What an instance is created with; it never changes. */
export type InstanceOptions = {
  readonly format: EmbeddedFormat
  readonly reset: Reset
  readonly minBytes: number
  readonly timeoutMs: number
  readonly emptyCommit: boolean
  /** 0: offsets are committed only when the client says so. */
  readonly commitEveryMs: number
  readonly sessionMs: number
  readonly rebalanceMs: number
  readonly idleMs: number
  readonly strategies: readonly Strategy[]
}

export type Subscription = { readonly topics: readonly string[] } | { readonly pattern: string }

/** What calls change. */
export type InstanceState = {
  readonly assigned: readonly AssignedPartition[]
  readonly epoch: number
  readonly byMs: number
  readonly commitMs: number
  readonly beatMs: number
  readonly subscription: Subscription | undefined
  readonly memberId: string
  readonly generation: number
  readonly synced: number
  readonly rejoin: boolean
  readonly comparedMs: number
  readonly seen: string
  readonly watch: readonly string[]
}

export type Instance = InstanceOptions &
  InstanceState & { readonly group: string; readonly name: string; readonly rev: string; readonly usedMs: number }

/** No subscription, no membership, nothing assigned. */
export const freshState: InstanceState = {
  assigned: [],
  epoch: 0,
  byMs: 0,
  commitMs: 0,
  beatMs: 0,
  subscription: undefined,
  memberId: '',
  generation: -1,
  synced: -1,
  rejoin: false,
  comparedMs: 0,
  seen: '',
  watch: [],
}

export function optionPatches(options: InstanceOptions): Patch[] {
  const { format, reset, minBytes, timeoutMs, emptyCommit, commitEveryMs, sessionMs, rebalanceMs, idleMs } = options
  const attributes = { v: itemFormat, format, reset, minBytes, timeoutMs, emptyCommit, sessionMs, rebalanceMs, idleMs }
  return [
    ...Object.entries(attributes).map(([name, value]) => set(name, value)),
    set('commitEvery', commitEveryMs),
    set('strategies', [...options.strategies]),
  ]
}

/** The patches that make the item say what `change` says. */
export function statePatches(change: Partial<InstanceState>): Patch[] {
  const { assigned, subscription, memberId, watch, ...plain } = change
  const patches = Object.entries(plain).map(([name, value]) => set(name, value))
  if (assigned) patches.push(set('assigned', assigned.map(encodePartition)))
  if (memberId !== undefined) patches.push(set('member', memberId))
  if (watch) patches.push(set('watch', [...watch]))
  if ('subscription' in change) {
    const topics = subscription && 'topics' in subscription ? [...subscription.topics] : undefined
    const pattern = subscription && 'pattern' in subscription ? subscription.pattern : undefined
    patches.push(topics ? set('topics', topics) : remove('topics'))
    patches.push(pattern === undefined ? remove('pattern') : set('pattern', pattern))
  }
  return patches
}

const encodePartition = ({ topic, topicId, partition, position, committed }: AssignedPartition): Value => ({
  t: topic,
  i: topicId,
  p: partition,
  o: position,
  ...(committed === null ? {} : { c: committed }),
})

/** @throws StoreError for an item of a format that is not known here. */
export function readInstanceItem(group: string, name: string, item: Item): Instance {
  requireFormat('consumer instance', consumerKey(group, name).pk, item.v, itemFormat)
  return {
    group,
    name,
    format: item.format === 'json' ? 'json' : 'binary',
    reset: item.reset === 'earliest' ? 'earliest' : 'latest',
    minBytes: Number(item.minBytes),
    timeoutMs: Number(item.timeoutMs),
    emptyCommit: item.emptyCommit === true,
    commitEveryMs: Number(item.commitEvery ?? 0),
    sessionMs: Number(item.sessionMs ?? defaultIdleMs),
    rebalanceMs: Number(item.rebalanceMs ?? defaultRebalanceMs),
    idleMs: Number(item.idleMs ?? defaultIdleMs),
    strategies: texts(item.strategies).flatMap((name) => strategies.find((known) => known === name) ?? []),
    ...readState(item),
    rev: String(item.rev),
    usedMs: Number(item.usedMs),
  }
}

function readState(item: Item): InstanceState {
  const { topics, pattern } = item
  return {
    // The lists were written by `encodePartition` and as texts: `v` says so.
    assigned: Array.isArray(item.assigned) ? item.assigned.map(decodePartition) : [],
    epoch: Number(item.epoch ?? 0),
    byMs: Number(item.byMs ?? 0),
    commitMs: Number(item.commitMs ?? 0),
    beatMs: Number(item.beatMs ?? 0),
    subscription:
      typeof pattern === 'string' ? { pattern } : Array.isArray(topics) ? { topics: texts(topics) } : undefined,
    memberId: typeof item.member === 'string' ? item.member : '',
    generation: Number(item.generation ?? -1),
    synced: Number(item.synced ?? -1),
    rejoin: item.rejoin === true,
    comparedMs: Number(item.comparedMs ?? 0),
    seen: typeof item.seen === 'string' ? item.seen : '',
    watch: texts(item.watch),
  }
}

const texts = (value: Value | undefined): string[] => (Array.isArray(value) ? value.map(String) : [])

function decodePartition(value: { readonly [name: string]: Value }): AssignedPartition {
  const { t, i, p, o, c } = value
  return {
    topic: String(t),
    topicId: String(i),
    partition: Number(p),
    position: typeof o === 'number' ? o : null,
    committed: typeof c === 'number' ? c : null,
  }
}

export const strategies: readonly Strategy[] = ['sticky', 'range', 'roundrobin']

/** `consumer.instance.timeout.ms`, as in Confluent's: an instance of a silent client is kept this long. */
export const defaultIdleMs = 300_000
/**
 * `max.poll.interval.ms`: how long a rebalance waits for this member. Java's five minutes would leave a group without answers for
 * as long wherever one client has died; a REST client that polls at all is back within seconds.
 */
export const defaultRebalanceMs = 60_000
