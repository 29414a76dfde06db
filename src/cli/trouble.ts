import { StoreError } from '../store/errors.ts'

/** Something the user can put right: shown as one line, without a stack; the exit code is 1. */
export class Trouble extends Error {
  override readonly name = 'Trouble'
}

/** Runs a command to its end. Trouble becomes one line on standard error. */
export async function orTrouble(command: Promise<void>): Promise<void> {
  try {
    await command
  } catch (error) {
    if (!(error instanceof Trouble || error instanceof StoreError)) throw error
    process.stderr.write(`millrace: ${error.message}\n`)
    process.exitCode = 1
  }
}

/** Node's errors of listening, in plain words. */
export function listenTrouble(error: unknown, host: string, port: number, option = '--http'): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE')
    return new Trouble(`port ${port} on ${host} is taken; choose another with ${option} PORT (0: any)`)
  if (code === 'EACCES') return new Trouble(`port ${port} on ${host} needs more rights than this user has`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return new Trouble(`${host} is not an address of this machine`)
  return error
}
