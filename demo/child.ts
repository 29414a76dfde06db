/** Producers and readers are processes of their own: this one starts them, hears what they report, and kills one now and then. */
import { type ChildProcess, fork } from 'node:child_process'
import { join, resolve } from 'node:path'

export type Child = {
  /** Whether it came to its end or was killed by `kill`. Everything it reported has been heard by then. Rejects where it failed. */
  readonly ended: Promise<'finished' | 'killed'>
  /** SIGKILL: it has no chance to tidy up. */
  kill(): void
  /** Tells it that what its job waits for has come. */
  tell(): void
}

const running = new Set<ChildProcess>()

/** Ends every child that still runs: after one has failed, the others have nothing to work for. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Starts a script of this folder. `hear` gets its reports in order. */
export function startChild<Job, Report>(script: string, job: Job, hear: (report: Report) => void): Child {
  const child = fork(join(import.meta.dirname, script), [JSON.stringify(job)], {
    cwd: resolve(import.meta.dirname, '..'),
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  running.add(child)
  let killed = false
  // The cast: what `script` reports is its own `Report`, and both sides are compiled together.
  child.on('message', (report) => hear(report as Report))
  // Reports may still be on their way when the process has gone: the end of the channel comes after the last one.
  const heardAll = new Promise<void>((resolve) => child.on('disconnect', resolve))
  const exited = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('exit', resolve))
  const ended = Promise.all([exited, heardAll]).then(([code]) => {
    running.delete(child)
    if (code === 0) return 'finished' as const
    if (killed) return 'killed' as const
    throw new Error(`${script} failed: ${JSON.stringify(job)}`)
  })
  return {
    ended,
    kill: () => {
      killed = true
      child.kill('SIGKILL')
    },
    tell: () => void child.send('told'),
  }
}

/**
 * The other side: runs the job. `report` resolves once the report cannot be lost, whatever happens to this process; `told` once this
 * process is told to go on.
 */
export async function doJob<Job, Report>(
  work: (job: Job, report: (report: Report) => Promise<void>, told: Promise<void>) => Promise<void>,
): Promise<void> {
  const told = new Promise<void>((resolve) => process.once('message', () => resolve()))
  const orphaned = () => process.exit(1)
  process.on('disconnect', orphaned)
  try {
    // The cast: `startChild` wrote it from a `Job`.
    await work(JSON.parse(process.argv[2] ?? '') as Job, send, told)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
  process.off('disconnect', orphaned)
  process.disconnect?.()
}

const send = (report: unknown): Promise<void> =>
  new Promise((resolve, reject) => {
    if (!process.send) throw new Error('this script is started by demo/main.ts')
    process.send(report, undefined, undefined, (error) => (error ? reject(error) : resolve()))
  })
