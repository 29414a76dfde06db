import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes the folder's entries as durable as the files they name. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}

export const errorCode = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined

/**
 * Makes the folder, and those it lies in, if there are none, and its entry durable either way: who made it may not have come to
 * that. Throws where it cannot be made although its parent is there, as behind a link to nowhere.
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await madeOrThere(folder)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    await makeFolder(dirname(folder))
    await madeOrThere(folder)
  }
  await syncFolder(dirname(folder))
}

async function madeOrThere(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
}
