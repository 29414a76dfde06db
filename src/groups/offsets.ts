/**
 * Committed offsets of a group: one item a partition, keyed by topic id, so that a re-created topic starts without any.
 *
 *   v            1
 *   offset       the next record to read
 *   metadata     the client's own words, at most 4096 bytes (`offset.metadata.max.bytes`)
 *   epoch        the leader epoch of the last record read, where the client knows it (KIP-320)
 *   committedMs  when
 *   n            how many commits this is: each names the one it follows
 *   w            who wrote it, eight random bytes in hex: tells a lost answer's own success from another commit
 *   fence        the highest one raised (fence.ts): by each owner before it learns what was committed. A commit that stands lower
 *                changes nothing: condition and change are one update.
 */

import { requireFormat } from '../log/format.ts'
import { offsetKey } from '../log/keys.ts'
import { pause } from '../log/retry.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { inTurn } from '../runtime/in-turn.ts'
import { StoreError } from '../store/errors.ts'
import {
  absent,
  all,
  any,
  type Condition,
  compare,
  equals,
  type Item,
  type Key,
  type Patch,
  remove,
  set,
  setIfAbsent,
} from '../store/items.ts'
import { limits } from '../store/limits.ts'
import { settled } from './group.ts'
import { type Committer, fenced, type Stand, standAbove, standOfMember, standOfOutsider } from './stand.ts'

const format = 1
/** `offset.metadata.max.bytes` */
export const metadataBytesMax = 4096

export type OffsetCommit = {
  readonly topicId: string
  readonly partition: number
  readonly offset: number
  readonly metadata?: string
  readonly leaderEpoch?: number
}

export type CommittedOffset = {
  readonly offset: number
  readonly metadata: string
  /** -1: not known. */
  readonly leaderEpoch: number
  readonly committedMs: number
}

export type { Committer } from './stand.ts'

/**
 * Stores the offsets, one conditional update each, all at once; they stand or fail one by one. Commits that come to this process are
 * taken in the order in which they came: a client that lost its connection may send the next one while the last is still under way.
 * `committer`: the member that commits; absent for a consumer outside of group membership, which may commit only while the group
 * is empty.
 * @throws KafkaError OFFSET_METADATA_TOO_LARGE (nothing is stored then), UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION,
 *   REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID. StoreError.
 */
export async function commitOffsets(
  core: Core,
  group: string,
  entries: readonly OffsetCommit[],
  committer?: Committer,
): Promise<void> {
  for (const { metadata = '' } of entries) {
    if (Buffer.byteLength(metadata) <= metadataBytesMax) continue
    throw new KafkaError(
      'OFFSET_METADATA_TOO_LARGE',
      `An offset's metadata may have at most ${metadataBytesMax} bytes.`,
    )
  }
  if (entries.length === 0) return
  const latestMs = core.clock.uptime() + core.settings.appendTimeoutMs
  const names = entries.map((entry) => nameOf(offsetKey(group, entry.topicId, entry.partition)))
  await inTurn(core.memory.commits, names, async () => {
    if (core.clock.uptime() > latestMs) throw new StoreError('throttled', `commits of ${group} wait for the one before`)
    const stand = committer ? await standOfMember(core, group, committer) : await standOfOutsider(core, group)
    await Promise.all(entries.map((entry) => commitOne(core, group, entry, stand, latestMs)))
  })
}

const nameOf = ({ pk, sk }: Key): string => `${pk}\0${sk}`

/** How often one commit is sent again: its answer was lost, or another commit came in between. */
const attemptsMax = 8

/**
 * One commit, applied once and in order: its condition names the version it follows, so that a copy that arrives late, after a
 * newer commit, changes nothing. The version is guessed from what this process wrote last; a refusal brings the right one.
 */
async function commitOne(core: Core, group: string, entry: OffsetCommit, found: Stand, latestMs: number) {
  const key = offsetKey(group, entry.topicId, entry.partition)
  const hint = nameOf(key)
  const known = core.memory.immutable.get(hint)
  let version = typeof known === 'number' ? known : 0
  let stand = found
  const writer = Buffer.from(core.random.bytes(8)).toString('hex')
  let trouble: StoreError | undefined
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    try {
      const { applied, item } = await core.items.update(key, {
        patches: [...patches(entry, core.clock.now()), set('n', version + 1), set('w', writer)],
        if: all(allowedTo(stand), version === 0 ? absent('n') : equals('n', version)),
      })
      if (item) core.memory.immutable.set(hint, Number(item.n ?? 0), hint.length)
      if (applied || item?.w === writer) return
      if (item?.v !== undefined) requireFormat('committed offset', group, item.v, format)
      // What an earlier try did is not known: it may have been taken before others came. Sent again under the new
      // version, it could set back what was committed since.
      if (trouble?.trouble === 'unknown-outcome') throw inBetween(group)
      const fence = Number(item?.fence ?? 0)
      if (fence > stand.fence) stand = await standAbove(core, group, fence, stand)
      // A sleeper's, whom its caller gave up long ago, could do the same.
      if (core.clock.uptime() > latestMs) throw inBetween(group)
      version = Number(item?.n ?? 0)
    } catch (error) {
      if (!(error instanceof StoreError && error.retriable) || core.clock.uptime() > latestMs) throw error
      if (trouble?.trouble !== 'unknown-outcome') trouble = error
      await pause(core, attempt)
    }
  }
  throw trouble ?? new StoreError('throttled', `too many commits of ${group} at once: nothing was changed`)
}

const inBetween = (group: string): StoreError =>
  new StoreError('unknown-outcome', `another commit of ${group} came in between`)

const allowedTo = ({ fence }: Stand): Condition =>
  all(any(absent('v'), equals('v', format)), any(absent('fence'), compare('fence', '<=', fence)))

const patches = ({ offset, metadata = '', leaderEpoch }: OffsetCommit, nowMs: number): Patch[] => [
  set('v', format),
  set('offset', offset),
  set('metadata', metadata),
  leaderEpoch === undefined ? remove('epoch') : set('epoch', leaderEpoch),
  set('committedMs', nowMs),
]

/**
 * Makes a partition its owner's: no commit that stands lower is taken from here on. Returns what was committed before.
 * @throws KafkaError ILLEGAL_GENERATION: a newer owner was there before. StoreError
 */
export async function raiseFence(
  core: Core,
  group: string,
  { topicId, partition }: { readonly topicId: string; readonly partition: number },
  fence: number,
): Promise<CommittedOffset | undefined> {
  const key = offsetKey(group, topicId, partition)
  const update = {
    patches: [setIfAbsent('v', format), set('fence', fence)],
    if: all(any(absent('v'), equals('v', format)), any(absent('fence'), compare('fence', '<', fence))),
  }
  const { applied, item } = await settled(core, () => core.items.update(key, update))
  if (item) requireFormat('committed offset', `${group}/${key.sk}`, item.v, format)
  if (!applied && item?.fence !== fence) throw fenced(group)
  return item && readOffset(item, `${group}/${key.sk}`)
}

/** The committed offsets, in the order asked; `undefined` where none was. One round trip for every 100. @throws StoreError */
export async function fetchOffsets(
  core: Core,
  group: string,
  wanted: readonly { readonly topicId: string; readonly partition: number }[],
): Promise<(CommittedOffset | undefined)[]> {
  const keys = wanted.map(({ topicId, partition }) => offsetKey(group, topicId, partition))
  const pages: Promise<readonly (Item | undefined)[]>[] = []
  for (let from = 0; from < keys.length; from += limits.batchGetKeys) {
    pages.push(core.items.batchGet(keys.slice(from, from + limits.batchGetKeys)))
  }
  const items = (await Promise.all(pages)).flat()
  return items.map((item, at) => item && readOffset(item, `${group}/${keys[at]?.sk}`))
}

function readOffset(item: Item, where: string): CommittedOffset | undefined {
  // A fence may stand where nothing was committed yet.
  if (item.offset === undefined) return undefined
  requireFormat('committed offset', where, item.v, format)
  const { offset, metadata, epoch, committedMs } = item
  return {
    offset: Number(offset),
    metadata: typeof metadata === 'string' ? metadata : '',
    leaderEpoch: typeof epoch === 'number' ? epoch : -1,
    committedMs: Number(committedMs),
  }
}
