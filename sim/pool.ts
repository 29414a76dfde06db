/** Processes that run seeds side by side. One that hangs or dies costs its seed, and no more. */
import { type ChildProcess, fork } from 'node:child_process'
import { type Job, noOutcome, type Result } from './result.ts'

/** Real time that one job may take: a run that goes on and on ends itself (run.ts); this is for one that hangs. */
const jobMsMax = 180_000

export type Pool = {
  /** Runs the jobs, in turn as processes get free, and tells each result as it comes; stops where `told` says `false`. */
  each(jobs: Iterable<Job>, told: (result: Result) => boolean): Promise<void>
  close(): void
}

export function pool(worker: string, processes: number): Pool {
  const slots = Array.from({ length: processes }, () => slot(worker))
  return {
    async each(jobs, told) {
      const queue = jobs[Symbol.iterator]()
      let isOver = false
      await Promise.all(
        slots.map(async (one) => {
          while (!isOver) {
            const next = queue.next()
            if (next.done) return
            if (!told(await one.run(next.value))) isOver = true
          }
        }),
      )
    },
    close() {
      for (const one of slots) one.close()
    },
  }
}

function slot(worker: string) {
  let child: ChildProcess | undefined
  const start = () => {
    const started = fork(worker, [], { execArgv: ['--enable-source-maps'] })
    started.once('exit', () => {
      if (child === started) child = undefined
    })
    return started
  }
  const run = (job: Job): Promise<Result> =>
    new Promise((resolve) => {
      child ??= start()
      const mine = child
      const end = (result: Result) => {
        clearTimeout(timer)
        mine.removeAllListeners('message')
        mine.off('exit', died)
        resolve(result)
      }
      const timer = setTimeout(() => {
        child = undefined
        mine.kill('SIGKILL')
        end(noOutcome(job, 'takes-too-long', `no outcome after ${jobMsMax / 1_000} s of real time`))
      }, jobMsMax)
      const died = (code: number | null) => end(noOutcome(job, 'died', `the process ended with code ${code}`))
      mine.once('exit', died)
      // A worker answers each job with one result and says nothing else.
      mine.once('message', (message) => end(message as Result))
      mine.send(job)
    })
  return { run, close: () => child?.kill('SIGKILL') }
}
