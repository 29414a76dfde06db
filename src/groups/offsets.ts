/**
 * Committed offsets of a group: one item a partition, keyed by topic id, so that a re-created topic starts without any.
 *
 *   v            1
 *   offset       the next record to read
 *   metadata     the client's own words, at most 4096 bytes (`offset.metadata.max.bytes`)
 *   epoch        the leader epoch of the last record read, where the client knows it (KIP-320)
 *   committedMs  when
 *   fence        the generation of the group that owns the partition; absent where the group has no members. A commit of an older
 *                generation changes nothing: condition and change are one update.
 */

import { requireFormat } from '../log/format.ts'
import { offsetKey } from '../log/keys.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import {
  absent,
  all,
  any,
  type Condition,
  compare,
  equals,
  type Item,
  type Patch,
  remove,
  set,
} from '../store/items.ts'
import { limits } from '../store/limits.ts'

const format = 1
const metadataBytesMax = 4096

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

/**
 * Stores the offsets, one conditional update each, all at once; they stand or fail one by one, and storing one again does no harm.
 * `generation`: of the member that commits; absent for a consumer outside of group membership, which may commit only where no
 * generation owns the partition.
 * @throws KafkaError OFFSET_METADATA_TOO_LARGE (nothing is stored then), ILLEGAL_GENERATION. StoreError.
 */
export async function commitOffsets(
  core: Core,
  group: string,
  entries: readonly OffsetCommit[],
  generation?: number,
): Promise<void> {
  for (const { metadata = '' } of entries) {
    if (Buffer.byteLength(metadata) <= metadataBytesMax) continue
    throw new KafkaError(
      'OFFSET_METADATA_TOO_LARGE',
      `An offset's metadata may have at most ${metadataBytesMax} bytes.`,
    )
  }
  const nowMs = core.clock.now()
  const condition = allowedTo(generation)
  const written = await Promise.all(
    entries.map((entry) =>
      core.items.update(offsetKey(group, entry.topicId, entry.partition), {
        patches: patches(entry, nowMs),
        if: condition,
      }),
    ),
  )
  for (const { applied, item } of written) {
    if (!applied && item?.v !== undefined) requireFormat('committed offset', group, item.v, format)
  }
  if (written.every(({ applied }) => applied)) return
  throw new KafkaError(
    'ILLEGAL_GENERATION',
    `The group ${group} has members of a newer generation: nothing of theirs was changed.`,
  )
}

const allowedTo = (generation: number | undefined): Condition =>
  all(
    any(absent('v'), equals('v', format)),
    generation === undefined ? absent('fence') : any(absent('fence'), compare('fence', '<=', generation)),
  )

const patches = ({ offset, metadata = '', leaderEpoch }: OffsetCommit, nowMs: number): Patch[] => [
  set('v', format),
  set('offset', offset),
  set('metadata', metadata),
  leaderEpoch === undefined ? remove('epoch') : set('epoch', leaderEpoch),
  set('committedMs', nowMs),
]

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
