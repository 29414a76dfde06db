/**
 * What each client's program understands, in its own language: `PROGRAM host:port COMMAND JSON`. It prints lines of JSON and ends
 * with exit code 0, or says why not.
 *
 * - `produce`: sends batches, each with a producer of its own; prints `{offsets}` as the broker gave them.
 * - `consume`: reads partition 0 from a place; prints `{ready}` when it stands there, `{records}` when it has had so many.
 * - `member`: one member of a group, until its input is closed; prints `{assigned}` (all that it has), `{revoked}` (what it gave
 *   up), and `{record}` for each record, after its commit.
 * - `load` (librdkafka, Java, KafkaJS): produces numbered records to all partitions until its input is closed; prints `{acked}` for
 *   each that was acknowledged, and ends well only if all were.
 * - `admin`: one after the other what an administrator does; prints `{results}`.
 * - `refused`: produces a record that is too large, then deletes the topic and produces to it again; prints what the client calls
 *   the errors.
 */
import { type Command, type Program, runProgram, startProgram } from './program.ts'

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export type ToSend = {
  readonly partition: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Unix milliseconds. */
  readonly timestamp: number
}

export type Batch = {
  readonly compression: Compression
  readonly idempotent: boolean
  readonly records: readonly ToSend[]
}

export type Read = ToSend & { readonly offset: number }

/** A number: from the first record of this time (Unix milliseconds) or later. */
export type Place = 'start' | 'end' | number

export type MemberOptions = {
  readonly group: string
  readonly topic: string
  readonly sessionMs: number
  /** Of a static member. */
  readonly instance: string | null
  readonly protocol: 'eager' | 'cooperative'
  /** KafkaJS: how long it takes to share the partitions out where it leads. */
  readonly assignMs?: number
  /** KafkaJS, librdkafka: of how many records the last is committed, and each told before; else each is, and told after. */
  readonly commitEvery?: number
}

export type LoadOptions = {
  readonly topic: string
  readonly partitions: number
  /** At most so many records without an acknowledgement at a time. */
  readonly atOnce: number
}

export type Acked = { readonly partition: number; readonly value: string }

export type AdminResults = { readonly [step: string]: unknown }
export type Refusals = { readonly tooLarge: string | null; readonly gone: string | null }

type Line = {
  readonly offsets?: readonly number[]
  readonly ready?: boolean
  readonly records?: readonly Read[]
  readonly assigned?: readonly number[]
  readonly revoked?: readonly number[]
  readonly record?: Read
  readonly acked?: Acked
  readonly results?: AdminResults
} & Partial<Refusals>

export type Member = {
  /** What it was last given and has not given up, once `holds` is true of it. */
  assigned(holds: (partitions: readonly number[]) => boolean): Promise<readonly number[]>
  /** All that it has read and committed, once there are so many. */
  records(count: number): Promise<readonly Read[]>
  /** The same, once all of these are among them. */
  recordsWith(all: readonly Acked[]): Promise<readonly Read[]>
  /** Its assignments and what it gave up, in their order. */
  changes(): readonly Pick<Line, 'assigned' | 'revoked'>[]
  leave(): Promise<void>
  kill(): Promise<void>
}

export type Load = {
  /** What has been acknowledged so far, once there is so much. */
  acked(count: number): Promise<readonly Acked[]>
  /** No more; resolves with all that was acknowledged when the last one was. */
  end(): Promise<readonly Acked[]>
}

export type Client = {
  produce(topic: string, batches: readonly Batch[]): Promise<readonly number[]>
  /** Resolves when the consumer stands at its place. */
  consume(topic: string, from: Place, count: number): Promise<{ records(): Promise<readonly Read[]> }>
  member(options: MemberOptions): Member
  load(options: LoadOptions): Load
  admin(topic: string, group: string): Promise<AdminResults>
  refused(topic: string): Promise<Refusals>
}

// The cast: what the programs print, as told above.
const parsed = (line: string): Line => JSON.parse(line) as Line

export function clientOf({ file, args, env = {} }: Command, broker: string): Client {
  const command = (name: string, options: object): Command => ({
    file,
    args: [...args, broker, name, JSON.stringify(options)],
    env,
  })
  const last = async (name: string, options: object): Promise<Line> => {
    const lines = await runProgram(command(name, options))
    return parsed(lines.at(-1) ?? '{}')
  }
  return {
    produce: async (topic, batches) => (await last('produce', { topic, batches })).offsets ?? [],
    async consume(topic, start, count) {
      const program = startProgram(command('consume', { topic, start, count }))
      await program.until((lines) => lines.map(parsed).find(({ ready }) => ready))
      return {
        records: async () => {
          const records = await program.until((lines) => lines.map(parsed).find(({ records }) => records)?.records)
          await program.end()
          return records
        },
      }
    },
    member: (options) => memberOf(startProgram(command('member', options))),
    load: (options) => loadOf(startProgram(command('load', options))),
    admin: async (topic, group) => (await last('admin', { topic, group })).results ?? {},
    async refused(topic) {
      const { tooLarge = null, gone = null } = await last('refused', { topic })
      return { tooLarge, gone }
    },
  }
}

function loadOf(program: Program): Load {
  const ackedIn = (lines: readonly string[]) => lines.map(parsed).flatMap(({ acked }) => acked ?? [])
  return {
    acked: (count) => program.until((lines) => (lines.length >= count ? ackedIn(lines) : undefined)),
    async end() {
      await program.end()
      return ackedIn(program.lines)
    },
  }
}

const nameOf = ({ partition, value }: Pick<Read, 'partition' | 'value'>) => `${partition} ${value}`

function memberOf(program: Program): Member {
  const changesIn = (lines: readonly string[]) =>
    lines.map(parsed).filter(({ assigned, revoked }) => assigned !== undefined || revoked !== undefined)
  const recordsIn = (lines: readonly string[]) => lines.map(parsed).flatMap(({ record }) => record ?? [])
  return {
    assigned: (holds) =>
      program.until((lines) => {
        const { assigned } = changesIn(lines).at(-1) ?? {}
        return assigned && holds(assigned) ? assigned : undefined
      }),
    records: (count) =>
      program.until((lines) => {
        const records = recordsIn(lines)
        return records.length >= count ? records : undefined
      }),
    recordsWith(all) {
      const missing = new Set(all.map(nameOf))
      let seen = 0
      return program.until((lines) => {
        for (const record of recordsIn(lines.slice(seen))) missing.delete(nameOf(record))
        seen = lines.length
        return missing.size === 0 ? recordsIn(lines) : undefined
      })
    },
    changes: () => changesIn(program.lines),
    leave: program.end,
    kill: program.kill,
  }
}
