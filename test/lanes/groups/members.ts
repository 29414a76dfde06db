/** Members of a group as processes, and everything they report, in one ledger. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'

export type Place = { readonly partition: number; readonly offset: number }

export type Job = {
  readonly urls: readonly string[]
  /** Each call goes to the next of the servers; otherwise a server is left only when it does not answer. */
  readonly inTurn: boolean
  readonly topic: string
  readonly group: string
  readonly name: string
  readonly sessionMs: number
}

/** Offsets of `committed` are the next ones to read. Times are this machine's. */
export type Report =
  | { readonly kind: 'delivered'; readonly places: readonly Place[]; readonly beganMs: number; readonly atMs: number }
  | { readonly kind: 'committed'; readonly places: readonly Place[]; readonly ackMs: number }

type Told = Report & { readonly member: string }

export type Members = {
  start(job: Job): void
  /** SIGKILL. Resolves when it has gone; what it reported before is in the ledger. */
  kill(name: string): Promise<void>
  killAll(): void
  readonly told: readonly Told[]
  /** Rejects where a member ended by itself: it had an answer that it should not have had. */
  readonly failed: Promise<never>
}

export function membersOf(): Members {
  const running = new Map<string, ChildProcess>()
  const told: Told[] = []
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  // Whoever waits for something hears of it too; until then it is not unheard of.
  failed.catch(() => {})
  return {
    told,
    failed,
    start(job) {
      const child = fork(join(import.meta.dirname, 'member.ts'), [JSON.stringify(job)], {
        cwd: resolve(import.meta.dirname, '../../..'),
        execArgv: ['--import', 'tsx'],
      })
      running.set(job.name, child)
      // The cast: member.ts sends nothing else.
      child.on('message', (message) => told.push({ ...(message as Report), member: job.name }))
      child.on('exit', (code) => {
        if (code !== null) fail(new Error(`${job.name} ended with code ${code}`))
      })
    },
    async kill(name) {
      const child = running.get(name)
      if (!child) throw new Error(`${name} does not run`)
      const gone = Promise.all([once(child, 'exit'), once(child, 'disconnect')])
      child.kill('SIGKILL')
      await gone
      running.delete(name)
    },
    killAll() {
      for (const child of running.values()) child.kill('SIGKILL')
    },
  }
}

/** Who was given something of each partition last. */
export function latestReaders({ told }: Members): Map<number, string> {
  return new Map(
    told.flatMap((one) =>
      one.kind === 'delivered' ? one.places.map(({ partition }) => [partition, one.member] as const) : [],
    ),
  )
}

/** The greatest next offset that any member was told is committed. */
export function committedOf({ told }: Members, partition: number): number {
  const offsets = told.flatMap((one) => (one.kind === 'committed' ? one.places : []))
  return Math.max(0, ...offsets.flatMap((place) => (place.partition === partition ? [place.offset] : [])))
}

/** A line for each broken promise: lost records, and committed ones that a later poll was given again. */
export function faultsIn({ told }: Members, acknowledged: ReadonlyMap<number, number>): string[] {
  const faults: string[] = []
  for (const [partition, count] of acknowledged) {
    const delivered = told.filter((one) => one.kind === 'delivered')
    const commits = told.flatMap((one) =>
      one.kind === 'committed'
        ? one.places.flatMap((place) => (place.partition === partition ? [{ ...place, ackMs: one.ackMs }] : []))
        : [],
    )
    const seen = new Set<number>()
    for (const { places, beganMs, member } of delivered)
      for (const place of places) {
        if (place.partition !== partition) continue
        seen.add(place.offset)
        const again = commits.find(({ offset, ackMs }) => offset > place.offset && ackMs < beganMs)
        if (again) faults.push(`${member} was given ${partition}@${place.offset} again, ${again.offset} was committed`)
      }
    for (let offset = 0; offset < count; offset++)
      if (!seen.has(offset)) faults.push(`${partition}@${offset} was never read`)
  }
  return faults
}
