/**
 * Objects as files: `objects/<key>`, nothing but their bytes. A put writes and syncs a file in `temporary/`, links it to its
 * name (which fails where the name is taken), and syncs the folder before it answers.
 */
import { closeSync, fstatSync, openSync, read } from 'node:fs'
import { type FileHandle, link, open, readdir, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { StoreError } from '../errors.ts'
import { type Meter, unmetered } from '../meter.ts'
import { checkObjectKey, checkObjectSize, objectUse } from '../object-rules.ts'
import type { ByteRange, ObjectStore, StoredObject } from '../objects.ts'
import { compareUtf8 } from '../values.ts'
import { errorCode, makeFolder, syncFolder } from './folders.ts'

type Files = {
  readonly objects: string
  /** A new path for a file not yet named. */
  temporary(): string
  /** Resolves when the folder exists for good. */
  folder(path: string): Promise<void>
}

/** No such file; or a part of the path is a file, or the path a folder. */
const isMissing = (error: unknown) => ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String(errorCode(error)))

function durableFolders(root: string): (path: string) => Promise<void> {
  const known = new Map<string, Promise<void>>()
  const ensure = (path: string): Promise<void> => {
    const before = known.get(path)
    if (before) return before
    const made = path === root ? Promise.resolve() : ensure(dirname(path)).then(() => makeFolder(path))
    known.set(path, made)
    // A failure (a full disk) may pass; the next put tries again.
    made.catch(() => known.delete(path))
    return made
  }
  return ensure
}

/** Writes all parts, however few bytes each call takes. */
async function writeParts(handle: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) {
    for (let at = 0; at < part.length; ) at += (await handle.write(part, at)).bytesWritten
  }
}

async function put(files: Files, key: string, parts: readonly Uint8Array[]): Promise<'created' | 'exists'> {
  const path = join(files.objects, key)
  const temporary = files.temporary()
  const folder = files.folder(dirname(path))
  try {
    await writeSynced(temporary, parts)
    await folder
    const outcome = await link(temporary, path).then(
      () => 'created' as const,
      (error: unknown) => {
        if (errorCode(error) === 'EEXIST') return 'exists' as const
        throw error
      },
    )
    // Also for `exists`: the one who created it may not have come to this yet.
    await Promise.all([syncFolder(dirname(path)), unlink(temporary)])
    return outcome
  } catch (error) {
    await Promise.allSettled([unlink(temporary), folder])
    throw error
  }
}

async function writeSynced(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const handle = await open(path, 'wx')
  try {
    await writeParts(handle, parts)
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

const readAt = promisify(read)

/** A range up to this is believed without a look at the file's size. */
const believedBytesMax = 8 * 1024 * 1024

async function readRange(file: number, range: ByteRange | undefined): Promise<Uint8Array> {
  const start = range?.start ?? 0
  const known = range !== undefined && range.end - start <= believedBytesMax
  const end = known ? range.end : Math.min(range?.end ?? Number.POSITIVE_INFINITY, fstatSync(file).size)
  // Not zeroed first: what is not filled is not given.
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(Math.max(0, end - start)).buffer)
  let at = 0
  while (at < bytes.length) {
    const { bytesRead } = await readAt(file, bytes, at, bytes.length - at, start + at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  if (at < bytes.length && !known) throw new Error('the file became shorter while it was read')
  return bytes.subarray(0, at)
}

async function get(files: Files, key: string, range: ByteRange | undefined): Promise<Uint8Array | undefined> {
  try {
    // Opened at once: some microseconds, where the way through the thread pool may take longer than the reading.
    const file = openSync(join(files.objects, key), 'r')
    return await readRange(file, range).finally(() => closeSync(file))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Names in a folder as they stand in keys: `name/` for a folder, which puts them into the order of the keys. */
async function namesIn(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort(compareUtf8)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Keys below `folder` ('' or ending in '/') that begin with `prefix` and come after `after`, in order. */
async function* keysIn(files: Files, folder: string, prefix: string, after: string): AsyncGenerator<string> {
  for (const name of await namesIn(join(files.objects, folder))) {
    const key = folder + name
    if (!name.endsWith('/')) {
      if (key.startsWith(prefix) && compareUtf8(key, after) > 0) yield key
      continue
    }
    const mayHold = key.startsWith(prefix) || prefix.startsWith(key)
    if (mayHold && (after.startsWith(key) || compareUtf8(key, after) > 0)) yield* keysIn(files, key, prefix, after)
  }
}

async function list(files: Files, prefix: string, after: string, limit: number): Promise<StoredObject[]> {
  const found: StoredObject[] = []
  if (limit < 1) return found
  for await (const key of keysIn(files, prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix, after)) {
    try {
      const { size, mtimeMs } = await stat(join(files.objects, key))
      found.push({ key, size, modifiedMs: Math.floor(mtimeMs) })
    } catch (error) {
      // Deleted since its folder was read.
      if (!isMissing(error)) throw error
    }
    if (found.length === limit) break
  }
  return found
}

async function remove(files: Files, keys: readonly string[]): Promise<void> {
  const folders = new Set<string>()
  for (const key of keys) {
    const path = join(files.objects, key)
    try {
      await unlink(path)
      folders.add(dirname(path))
    } catch (error) {
      // Unlinking a folder is EISDIR on Linux, EPERM elsewhere: either way there is no such object.
      if (!isMissing(error) && errorCode(error) !== 'EPERM') throw error
    }
  }
  await Promise.all([...folders].map(syncFolder))
}

/** Tells the meter, and turns the file system's errors into the store's. */
async function calling<T>(
  meter: Meter,
  call: 'get' | 'put' | 'list' | 'delete',
  work: () => Promise<readonly [answer: T, bytes: number, outcome?: 'ok' | 'condition-failed']>,
): Promise<T> {
  try {
    const [answer, bytes, outcome = 'ok'] = await work()
    meter(objectUse(call, bytes, outcome))
    return answer
  } catch (error) {
    const isWrite = call === 'put' || call === 'delete'
    meter(objectUse(call, 0, isWrite ? 'unknown' : 'failed'))
    throw new StoreError(isWrite ? 'unknown-outcome' : 'unavailable', `${call} of objects failed: ${error}`, {
      cause: error,
    })
  }
}

function over(files: Files, meter: Meter): ObjectStore {
  return {
    async put(key, parts) {
      checkObjectKey(key)
      const size = checkObjectSize(parts)
      return calling(meter, 'put', async () => {
        const outcome = await put(files, key, parts)
        return [outcome, size, outcome === 'exists' ? 'condition-failed' : 'ok']
      })
    },
    async get(key, range) {
      checkObjectKey(key)
      return calling(meter, 'get', async () => {
        const bytes = await get(files, key, range)
        return [bytes, bytes?.length ?? 0]
      })
    },
    async list(prefix, { after = '', limit }) {
      // A prefix is the beginning of a key; one that is none (`../`) begins no key, and leads nowhere.
      if (prefix.split('/').some((name) => name === '.' || name === '..') || prefix.startsWith('/')) return []
      return calling(meter, 'list', async () => [await list(files, prefix, after, limit), 0])
    },
    async delete(keys) {
      keys.forEach(checkObjectKey)
      return calling(meter, 'delete', async () => [await remove(files, keys), 0])
    },
    metered: (also) =>
      over(files, (used) => {
        meter(used)
        also(used)
      }),
  }
}

/**
 * Objects in `folder` (made where missing). Nothing else may have the folder open: what is left in `temporary/` is taken for
 * what a crash left behind.
 */
export async function fileObjects(folder: string, meter: Meter = unmetered): Promise<ObjectStore> {
  const objects = join(folder, 'objects')
  const temporary = join(folder, 'temporary')
  await rm(temporary, { recursive: true, force: true })
  await makeFolder(temporary)
  await makeFolder(objects)
  let count = 0
  const files: Files = {
    objects,
    temporary: () => join(temporary, String(count++)),
    folder: durableFolders(objects),
  }
  return over(files, meter)
}
