/** The ItemStore port over any ordered `Rows`. */
import { StoreError } from '../errors.ts'
import type { Action, Condition, Item, ItemStore, Key, Query, Row, Transacted, Update, Written } from '../items.ts'
import { limits } from '../limits.ts'
import { type Meter, type StoreUse, unmetered } from '../meter.ts'
import { itemBytes, readUnits, transactFactor, utf8Bytes, writeUnits } from '../sizes.ts'
import { copiedItem } from '../values.ts'
import { holds, patched } from './interpret.ts'
import type { Rows } from './rows.ts'
import { refuseLargeItem, refuseLargeTransaction } from './too-large.ts'
import { type Write, type Writer, writer } from './writer.ts'

/** DynamoDB reads at most this much before it ends a page: a query's units are counted by page. */
const pageBytes = 1024 * 1024

function checkKey({ pk, sk }: Key): void {
  if (pk === '' || sk === '') throw new Error('a key may not be empty')
  if (utf8Bytes(pk) > limits.pkBytes) throw new Error(`pk is longer than ${limits.pkBytes} bytes: ${pk.slice(0, 80)}…`)
  if (utf8Bytes(sk) > limits.skBytes) throw new Error(`sk is longer than ${limits.skBytes} bytes: ${sk.slice(0, 80)}…`)
}

const nameOf = (key: Key) => JSON.stringify([key.pk, key.sk])

/** One line for the meter, with what most calls share. */
const use = (call: StoreUse['call'], cost: Partial<StoreUse>): StoreUse => ({
  store: 'items',
  call,
  readUnits: 0,
  writeUnits: 0,
  bytes: 0,
  outcome: 'ok',
  ...cost,
})

async function metering<T>(meter: Meter, call: StoreUse['call'], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const unknown = error instanceof StoreError && error.trouble === 'unknown-outcome'
    meter(use(call, { outcome: unknown ? 'unknown' : 'failed' }))
    throw error
  }
}

async function get(rows: Rows, meter: Meter, key: Key): Promise<Item | undefined> {
  checkKey(key)
  const [item] = await rows.get([key])
  const bytes = itemBytes(key, item)
  meter(use('get', { readUnits: readUnits(bytes), bytes }))
  return item && copiedItem(item)
}

async function batchGet(rows: Rows, meter: Meter, keys: readonly Key[]): Promise<(Item | undefined)[]> {
  if (keys.length > limits.batchGetKeys)
    throw new Error(`at most ${limits.batchGetKeys} keys in one batchGet, not ${keys.length}`)
  keys.forEach(checkKey)
  if (keys.length === 0) return []
  const items = await rows.get(keys)
  // A key named twice is read, and paid for, once.
  const sizes = new Map(keys.map((key, i) => [nameOf(key), itemBytes(key, items[i])]))
  let units = 0
  let bytes = 0
  for (const size of sizes.values()) {
    units += readUnits(size)
    bytes += size
  }
  meter(use('batchGet', { readUnits: units, bytes }))
  return items.map((item) => item && copiedItem(item))
}

/** Tells the meter one use per page that DynamoDB would have answered. */
function meterPages(meter: Meter, pk: string, rows: readonly Row[]): void {
  let bytes = 0
  for (const { sk, item } of rows) {
    const size = itemBytes({ pk, sk }, item)
    if (bytes > 0 && bytes + size > pageBytes) {
      meter(use('query', { readUnits: readUnits(bytes), bytes }))
      bytes = 0
    }
    bytes += size
  }
  meter(use('query', { readUnits: readUnits(bytes), bytes }))
}

async function query(rows: Rows, meter: Meter, query: Query): Promise<Row[]> {
  checkKey({ pk: query.pk, sk: query.from ?? query.to ?? ' ' })
  if (!Number.isSafeInteger(query.limit) || query.limit < 1)
    throw new Error(`a query's limit is at least 1, not ${query.limit}`)
  const found = await rows.range(query)
  meterPages(meter, query.pk, found)
  return found.map(({ sk, item }) => ({ sk, item: copiedItem(item) }))
}

/** Decides one plain write against the item as it is, and tells its price by the sizes before and after. */
async function single(
  write: Writer,
  meter: Meter,
  call: 'update' | 'delete',
  key: Key,
  decide: (before: Item | undefined) => Item | undefined,
  condition: Condition | undefined,
): Promise<Written> {
  checkKey(key)
  const outcome = await write([key], ([before]): Write<{ readonly applied: boolean; before?: Item; after?: Item }> => {
    const was = before === undefined ? {} : { before }
    if (condition && !holds(condition, before)) return { answer: { applied: false, ...was } }
    const after = decide(before)
    return { answer: { applied: true, ...was, ...(after && { after }) }, items: [after] }
  })
  const [before, after] = [itemBytes(key, outcome.before), itemBytes(key, outcome.after)]
  const units = { writeUnits: writeUnits(before, after), bytes: Math.max(before, after) }
  meter(use(call, outcome.applied ? units : { ...units, outcome: 'condition-failed' }))
  if (!outcome.applied) return { applied: false, item: outcome.before && copiedItem(outcome.before) }
  return { applied: true, item: copiedItem((call === 'update' ? outcome.after : outcome.before) ?? {}) }
}

function update(write: Writer, meter: Meter, key: Key, { patches, if: condition }: Update): Promise<Written> {
  const decide = (before: Item | undefined) => refuseLargeItem(key, patched(before, patches))
  return single(write, meter, 'update', key, decide, condition)
}

const keyOf = (action: Action): Key =>
  'update' in action ? action.update : 'delete' in action ? action.delete : action.check

function acted(action: Action, before: Item | undefined): Item | undefined {
  if ('update' in action) return refuseLargeItem(action.update, patched(before, action.patches))
  return 'delete' in action ? undefined : before
}

function checkTransaction(actions: readonly Action[]): void {
  if (actions.length === 0 || actions.length > limits.transactActions) {
    throw new Error(`a transaction has 1 to ${limits.transactActions} actions, not ${actions.length}`)
  }
  actions.forEach((action) => {
    checkKey(keyOf(action))
  })
  if (new Set(actions.map((action) => nameOf(keyOf(action)))).size < actions.length) {
    throw new Error('a transaction may name a key only once')
  }
}

async function transact(write: Writer, meter: Meter, actions: readonly Action[]): Promise<Transacted> {
  checkTransaction(actions)
  const keys = actions.map(keyOf)
  const outcome = await write(keys, (before): Write<{ failed: number[]; units: number; bytes: number }> => {
    const failed = actions.flatMap((action, i) => (!action.if || holds(action.if, before[i]) ? [] : [i]))
    const after = failed.length === 0 ? actions.map((action, i) => acted(action, before[i])) : before
    const sizes = keys.map((key, i) => [itemBytes(key, before[i]), itemBytes(key, after[i])] as const)
    refuseLargeTransaction(sizes)
    const units = sizes.reduce((total, [was, is]) => total + transactFactor * writeUnits(was, is), 0)
    const bytes = sizes.reduce((total, [was, is]) => total + Math.max(was, is), 0)
    const answer = { failed, units, bytes }
    return failed.length === 0 ? { answer, items: after } : { answer }
  })
  const { failed, units: paid, bytes } = outcome
  meter(use('transact', { writeUnits: paid, bytes, outcome: failed.length === 0 ? 'ok' : 'condition-failed' }))
  return failed.length === 0 ? { applied: true } : { applied: false, failed }
}

function over(rows: Rows, write: Writer, meter: Meter): ItemStore {
  return {
    ...(rows.forgets ? { forgets: true } : {}),
    get: (key) => metering(meter, 'get', () => get(rows, meter, key)),
    batchGet: (keys) => metering(meter, 'batchGet', () => batchGet(rows, meter, keys)),
    query: (asked) => metering(meter, 'query', () => query(rows, meter, asked)),
    update: (key, change) => metering(meter, 'update', () => update(write, meter, key, change)),
    delete: (key, condition) =>
      metering(meter, 'delete', () => single(write, meter, 'delete', key, () => undefined, condition)),
    transact: (actions) => metering(meter, 'transact', () => transact(write, meter, actions)),
    metered: (also) =>
      over(rows, write, (used) => {
        meter(used)
        also(used)
      }),
  }
}

/**
 * An item store in this process. Reads see only what is durable; writes are decided one after the other (see `writer`), hold
 * DynamoDB's limits, and cost DynamoDB's units.
 */
export const embeddedItems = (rows: Rows, meter: Meter = unmetered): ItemStore => over(rows, writer(rows), meter)
