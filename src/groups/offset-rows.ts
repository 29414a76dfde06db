/** A group's items of offsets as they lie in the store: for whoever lists, deletes or expires them. */
import { requireFormat } from '../log/format.ts'
import { offsetKey, offsetsPk } from '../log/keys.ts'
import { pause } from '../log/retry.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { absent, all, type Condition, equals, type Row, remove, set } from '../store/items.ts'

export type OffsetRow = {
  readonly topicId: string
  readonly partition: number
  /** `undefined`: a tombstone, or a fence where nothing was committed yet. */
  readonly offset: number | undefined
  readonly metadata: string
  /** -1: not known. */
  readonly leaderEpoch: number
  /** When it was committed or made a tombstone; 0 where neither was. */
  readonly changedMs: number
  readonly version: number | undefined
  readonly fence: number | undefined
}

const offsetFormat = 1
const rowsAPage = 500

/** All of them, page by page, one read a page. @throws StoreError */
export async function* offsetRows(core: Core, group: string): AsyncGenerator<readonly OffsetRow[]> {
  let from: string | undefined
  for (;;) {
    const rows = await core.items.query({ pk: offsetsPk(group), ...(from ? { from } : {}), limit: rowsAPage })
    if (rows.length > 0) yield rows.map((row) => readRow(group, row))
    if (rows.length < rowsAPage) return
    from = `${rows.at(-1)?.sk}\0`
  }
}

function readRow(group: string, { sk, item }: Row): OffsetRow {
  // An item that only holds a fence has no format of its own yet.
  if (item.v !== undefined) requireFormat('committed offset', `${group}/${sk}`, item.v, offsetFormat)
  const slash = sk.lastIndexOf('/')
  return {
    topicId: sk.slice(0, slash),
    partition: Number(sk.slice(slash + 1)),
    offset: typeof item.offset === 'number' ? item.offset : undefined,
    metadata: typeof item.metadata === 'string' ? item.metadata : '',
    leaderEpoch: typeof item.epoch === 'number' ? item.epoch : -1,
    changedMs: Number(item.committedMs ?? 0),
    version: typeof item.n === 'number' ? item.n : undefined,
    fence: typeof item.fence === 'number' ? item.fence : undefined,
  }
}

/** True of the row as it was read: since then, no commit and no new owner. */
const unchanged = ({ version, fence }: OffsetRow): Condition =>
  all(
    version === undefined ? absent('n') : equals('n', version),
    fence === undefined ? absent('fence') : equals('fence', fence),
  )

/** Removes the row for good, unless it was changed since it was read. @throws StoreError */
export async function removeRow(core: Core, group: string, row: OffsetRow): Promise<boolean> {
  return (await core.items.delete(offsetKey(group, row.topicId, row.partition), unchanged(row))).applied
}

const attemptsMax = 8

/**
 * Puts a tombstone in the place of a committed offset: no offset, a version of its own, and a fence at least so high. A commit that
 * still lies frozen somewhere names an older version or an older generation, and changes nothing when it wakes.
 * Whether there was an offset. @throws StoreError
 */
export async function entomb(
  core: Core,
  group: string,
  { topicId, partition }: { readonly topicId: string; readonly partition: number },
  fence: number,
): Promise<boolean> {
  const key = offsetKey(group, topicId, partition)
  const writer = Buffer.from(core.random.bytes(8)).toString('hex')
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    try {
      const item = await core.items.get(key)
      if (item?.w === writer) return true
      if (item?.offset === undefined) return false
      const row = readRow(group, { sk: key.sk, item })
      const { applied } = await core.items.update(key, {
        patches: [
          set('v', offsetFormat),
          ...['offset', 'metadata', 'epoch'].map(remove),
          set('committedMs', core.clock.now()),
          set('n', (row.version ?? 0) + 1),
          set('w', writer),
          set('fence', Math.max(row.fence ?? 0, fence)),
        ],
        if: unchanged(row),
      })
      if (applied) return true
    } catch (error) {
      if (!(error instanceof StoreError && error.retriable)) throw error
    }
    await pause(core, attempt)
  }
  throw new StoreError('throttled', `too many commits of ${group} at once: not every offset was deleted`)
}
