/**
 * Rows from which items go whose `ttl` (seconds since 1970) has passed, some at each later write: nothing runs while nobody writes. For
 * stores on disk, where keys of idempotency would stay for ever; blobs are given no `ttl` there, for the store does not promise it.
 *
 * What is to go is noted in rows of their own, in the order of time, in the batch that writes the item:
 *
 *   pk  "\0ttl"     sk  <seconds, 12 digits> <pk as JSON> <sk>     item  p, s: the item's key
 *
 * A note whose item has another `ttl` by then, or none, goes alone.
 */
import type { Item, Key } from '../items.ts'
import type { Rows, RowWrite } from './rows.ts'

const notesPk = '\0ttl'
const lookEveryMs = 60_000
/** Removed with one write. */
const atOnce = 100
const secondsDigits = 12

const timeText = (seconds: number): string => String(Math.max(0, Math.ceil(seconds))).padStart(secondsDigits, '0')

const noteKey = (seconds: number, { pk, sk }: Key): Key => ({
  pk: notesPk,
  sk: `${timeText(seconds)} ${JSON.stringify(pk)} ${sk}`,
})

function noteOf({ key, item }: RowWrite): RowWrite[] {
  if (typeof item?.ttl !== 'number') return []
  return [{ key: noteKey(item.ttl, key), item: { p: key.pk, s: key.sk } }]
}

/** `now`: in milliseconds. Writes come one after the other, as the `writer` makes them: nobody changes an item in between. */
export function tidiedRows(rows: Rows, now: () => number): Rows {
  let lookMs = 0
  const overdue = async (batch: readonly RowWrite[]): Promise<RowWrite[]> => {
    const nowMs = now()
    if (nowMs < lookMs) return []
    const seconds = Math.floor(nowMs / 1_000)
    const notes = await rows.range({ pk: notesPk, to: `${timeText(seconds)}~`, limit: atOnce })
    lookMs = notes.length < atOnce ? nowMs + lookEveryMs : 0
    const keys = notes.map(({ item }) => ({ pk: String(item.p), sk: String(item.s) }))
    const items = keys.length > 0 ? await rows.get(keys) : []
    const isWritten = ({ pk, sk }: Key) => batch.some(({ key }) => key.pk === pk && key.sk === sk)
    const dead = keys.filter((key, at) => isOver(items[at], seconds) && !isWritten(key))
    const gone = [...notes.map(({ sk }) => ({ pk: notesPk, sk })), ...dead]
    return gone.map((key) => ({ key, item: undefined }))
  }
  return {
    get: (keys) => rows.get(keys),
    range: (query) => rows.range(query),
    // Notes last: one that is looked at now may be written again.
    write: async (batch) => rows.write([...(await overdue(batch)), ...batch, ...batch.flatMap(noteOf)]),
  }
}

const isOver = (item: Item | undefined, seconds: number): boolean =>
  typeof item?.ttl === 'number' && item.ttl <= seconds
