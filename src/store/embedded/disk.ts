/**
 * Both stores in one folder:
 *
 *     format       `millrace 1`: the version of all that follows
 *     items/       LevelDB (see `level.ts`)
 *     objects/     one file an object (see `files.ts`)
 *     temporary/   files not yet named; emptied at every start
 */
import { open, readdir, readFile, rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { systemClock } from '../../runtime/system.ts'
import { StoreError } from '../errors.ts'
import type { Stores } from '../stores.ts'
import { fileObjects } from './files.ts'
import { errorCode, makeFolder, syncFolder } from './folders.ts'
import { embeddedItems } from './items.ts'
import { levelRows } from './level.ts'
import { tidiedRows } from './tidied-rows.ts'

const format = 'millrace 1'
const formatFile = 'format'
/** Where the format is written before it gets its name: a folder with nothing else in it was never used. */
const newFormatFile = 'format.new'

async function foundFormat(folder: string): Promise<string | undefined> {
  try {
    return (await readFile(join(folder, formatFile), 'utf8')).trimEnd()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function writeFormat(folder: string): Promise<void> {
  const strangers = (await readdir(folder)).filter((name) => name !== newFormatFile && name !== formatFile)
  if (strangers.length > 0) {
    const some = strangers.slice(0, 3).join(', ')
    throw new StoreError('misconfigured', `${folder} is no data folder: it has no file "${formatFile}", but ${some}`)
  }
  const handle = await open(join(folder, newFormatFile), 'w')
  try {
    await handle.writeFile(`${format}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(join(folder, newFormatFile), join(folder, formatFile))
  await syncFolder(folder)
}

async function checkFormat(folder: string): Promise<void> {
  await makeFolder(folder)
  const found = await foundFormat(folder)
  if (found === undefined) return writeFormat(folder)
  if (found !== format) {
    const what = `${folder} has the format ${JSON.stringify(found.slice(0, 80))}; this program understands "${format}"`
    throw new StoreError('misconfigured', what)
  }
}

/**
 * Opens the data folder, or makes a new one. Everything acknowledged is on disk. Throws `misconfigured` where the folder is of
 * another format, is something else, or is in use by another process. `now`: in milliseconds, by which items' `ttl` goes.
 */
export async function openDisk(dir: string, now: () => number = systemClock.now): Promise<Stores> {
  const folder = resolve(dir)
  try {
    await checkFormat(folder)
  } catch (error) {
    if (error instanceof StoreError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new StoreError('misconfigured', `${folder} cannot be used as data folder: ${reason}`, { cause: error })
  }
  // LevelDB's lock guards the whole folder: nothing of the objects is touched before it is held.
  const rows = await levelRows(join(folder, 'items'))
  try {
    return {
      items: embeddedItems(tidiedRows(rows, now)),
      objects: await fileObjects(folder),
      close: () => rows.close(),
    }
  } catch (error) {
    await rows.close()
    throw error
  }
}
