/** A client's process: its lines are read as they come, its exit code counts. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { TestContext } from 'vitest'

export type Command = { readonly file: string; readonly args: readonly string[]; readonly env?: NodeJS.ProcessEnv }

export type Program = {
  /** What it has printed so far, without empty lines. */
  readonly lines: readonly string[]
  /**
   * Resolves with the first result of `find` that is not undefined, asked anew after each line. Rejects where the program has
   * failed, or ends before.
   */
  until<T>(find: (lines: readonly string[]) => T | undefined): Promise<T>
  /** Closes its input, and waits for its end, which has to be a good one. */
  end(): Promise<void>
  /** SIGKILL: it tells nobody that it goes. */
  kill(): Promise<void>
}

/** Each with what it was told to do, and has said. */
const running = new Map<ChildProcess, () => string>()

export function startProgram({ file, args, env }: Command, input?: string): Program {
  const child = spawn(file, args, { stdio: 'pipe', env: { ...process.env, ...env } })
  const lines: string[] = []
  const askers = new Set<() => void>()
  let said = ''
  const standing = () => `${lines.slice(-50).join('\n').slice(-10_000)}\n${said}`
  running.set(child, () => `${file} ${args.join(' ')}\n${standing()}`)
  let failure: Error | undefined
  let over = false
  let killed = false
  child.stdin.on('error', () => {})
  if (input !== undefined) child.stdin.end(input)
  child.stderr.on('data', (data) => {
    said = (said + data).slice(-10_000)
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line !== '') lines.push(line)
    for (const ask of askers) ask()
  })
  child.on('error', (error) => {
    failure = error
  })
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child)
    over = true
    if (code !== 0 && !killed) failure ??= new Error(`${file} ended with ${code}\n${standing()}`)
    for (const ask of askers) ask()
  })
  const gone = ended.catch((error: Error) => {
    failure ??= error
    over = true
  })
  return {
    lines,
    until: (find) =>
      new Promise((resolve, reject) => {
        const ask = () => {
          const found = failure ? undefined : find(lines)
          if (found === undefined && !over && !failure) return
          askers.delete(ask)
          if (found !== undefined) resolve(found)
          else reject(failure ?? new Error(`${file} ended before it was expected to\n${standing()}`))
        }
        askers.add(ask)
        ask()
      }),
    async end() {
      child.stdin.end()
      await gone
      if (failure) throw failure
    },
    async kill() {
      killed = true
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** Runs a program to its good end; the lines it printed. */
export async function runProgram(command: Command, input = ''): Promise<readonly string[]> {
  const program = startProgram(command, input)
  await program.end()
  return program.lines
}

/** After each test: kills what a failed one left behind, and tells what that had come to. */
export async function killPrograms({ task }: Pick<TestContext, 'task'>): Promise<void> {
  if (task.result?.state === 'fail') for (const told of running.values()) console.log(`left running: ${told()}`)
  const ends = [...running.keys()].map((child) => once(child, 'close'))
  for (const child of running.keys()) child.kill('SIGKILL')
  await Promise.all(ends)
}
