/**
 * Rows on LevelDB. Every write is synced before it is acknowledged.
 *
 *     key    pk in UTF-8, each 0x00 as 0x00 0xff, then 0x00 0x00, then sk in UTF-8: byte order is the order of (pk, sk)
 *     value  format version (one byte, 1), then the item as MessagePack
 */
import { statSync } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { decode, encode } from '@msgpack/msgpack'
import { ClassicLevel } from 'classic-level'
import { systemClock } from '../../runtime/system.ts'
import { StoreError } from '../errors.ts'
import type { Item, Key } from '../items.ts'
import { errorCode, syncFolder } from './folders.ts'
import type { Rows } from './rows.ts'

const formatVersion = 1

/** Modification times of some file systems are no finer. */
const timestampGrainMs = 2_000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

function encodedPk(pk: string): Uint8Array {
  const plain = encoder.encode(pk)
  const encoded: number[] = []
  for (const byte of plain) {
    encoded.push(byte)
    if (byte === 0) encoded.push(0xff)
  }
  return Uint8Array.from([...encoded, 0, 0])
}

/** Where a partition's keys end: its prefix with the terminator's last byte raised. */
function beyond(prefix: Uint8Array): Uint8Array {
  const end = new Uint8Array(prefix)
  end[end.length - 1] = 1
  return end
}

const withSk = (prefix: Uint8Array, sk: string): Uint8Array => Buffer.concat([prefix, encoder.encode(sk)])

const encodedKey = ({ pk, sk }: Key): Uint8Array => withSk(encodedPk(pk), sk)

function encodedItem(item: Item): Uint8Array {
  const body = encode(item)
  const value = new Uint8Array(1 + body.length)
  value[0] = formatVersion
  value.set(body, 1)
  return value
}

function decodedItem(value: Uint8Array): Item {
  if (value[0] !== formatVersion) {
    throw new StoreError('misconfigured', `an item has format ${value[0]}; this program understands ${formatVersion}`)
  }
  // What `encodedItem` wrote was an Item, and MessagePack gives back what it was given.
  return decode(value.subarray(1)) as Item
}

/**
 * LevelDB syncs a log file but not the folder's entry for it when it begins a new one: a crash could then lose the whole
 * file. This syncs the folder after a write, where its entries may have changed since the last time.
 */
function newEntriesSync(folder: string): () => Promise<void> {
  let syncedMtimeMs = -1
  return async () => {
    // A few microseconds; through the thread pool it would be the half of a small write.
    const { mtimeMs } = statSync(folder)
    if (mtimeMs === syncedMtimeMs && systemClock.now() - mtimeMs > timestampGrainMs) return
    await syncFolder(folder)
    syncedMtimeMs = mtimeMs
  }
}

async function opened(folder: string): Promise<ClassicLevel<Uint8Array, Uint8Array>> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' })
  try {
    await level.open()
    return level
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    if (errorCode(cause) === 'LEVEL_LOCKED') {
      throw new StoreError('misconfigured', `${folder} is in use by another process`, { cause: error })
    }
    throw new StoreError('misconfigured', `${folder} cannot be opened: ${cause ?? error}`, { cause: error })
  }
}

async function reading<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw new StoreError('unavailable', `reading items failed: ${error}`, { cause: error })
  }
}

function writeFailed(error: unknown): StoreError {
  if (errorCode(error) === 'LEVEL_DATABASE_NOT_OPEN')
    return new StoreError('unavailable', 'the store is closed', { cause: error })
  return new StoreError('unknown-outcome', `writing items failed: ${error}`, { cause: error })
}

/**
 * LevelDB's first manifest is not synced before CURRENT names it: a crash just then leaves a database that cannot be opened.
 * So it is made under another name, and moved when it is whole.
 */
async function makeLevel(folder: string): Promise<void> {
  const unfinished = `${folder}.new`
  await rm(unfinished, { recursive: true, force: true })
  await (await opened(unfinished)).close()
  await syncFolder(unfinished)
  await rename(unfinished, folder)
  await syncFolder(dirname(folder))
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if (errorCode(error) === 'ENOENT') return false
      throw error
    },
  )

/** Opens or creates the LevelDB in `folder`. Throws `misconfigured` where another process has it open. */
export async function levelRows(folder: string): Promise<Rows & { close(): Promise<void> }> {
  if (!(await isThere(folder))) await makeLevel(folder)
  const level = await opened(folder)
  const syncNewEntries = newEntriesSync(folder)
  return {
    get: (keys) =>
      reading(async () =>
        keys.map((key) => {
          // Some microseconds from memory or the system's cache; through the thread pool it waits behind file syncs.
          const value = level.getSync(encodedKey(key))
          return value === undefined ? undefined : decodedItem(value)
        }),
      ),
    range: ({ pk, from, to, reverse = false, limit }) =>
      reading(async () => {
        const prefix = encodedPk(pk)
        const end = to === undefined ? { lt: beyond(prefix) } : { lte: withSk(prefix, to) }
        const start = from === undefined ? prefix : withSk(prefix, from)
        const entries = await level.iterator({ gte: start, ...end, reverse, limit }).all()
        return entries.map(([key, value]) => ({
          sk: decoder.decode(key.subarray(prefix.length)),
          item: decodedItem(value),
        }))
      }),
    async write(batch) {
      try {
        await level.batch(
          batch.map(({ key, item }) =>
            item
              ? { type: 'put', key: encodedKey(key), value: encodedItem(item) }
              : { type: 'del', key: encodedKey(key) },
          ),
          { sync: true },
        )
        await syncNewEntries()
      } catch (error) {
        throw writeFailed(error)
      }
    },
    close: () => level.close(),
  }
}
