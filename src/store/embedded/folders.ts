import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes the folder's entries as durable as the files they name. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}

export const errorCode = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined

/** Makes the folder if there is none, and its entry durable either way: who made it may not have come to that. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      await makeFolder(dirname(folder))
      return makeFolder(folder)
    }
    if (errorCode(error) !== 'EEXIST') throw error
  }
  await syncFolder(dirname(folder))
}
