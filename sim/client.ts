/** What clients have in common: they ask a server, wait for as long as clients wait, and write down what they saw. */
import type { Appender } from '../src/broker/appender.ts'
import { KafkaError } from '../src/protocol/errors.ts'
import type { Core } from '../src/runtime/core.ts'
import { StoreError } from '../src/store/errors.ts'
import type { Cluster, Server } from './cluster.ts'
import type { Event } from './history.ts'
import type { Chance } from './random.ts'
import type { Time } from './time.ts'

const patienceMs = 30_000

export type Paddings = readonly [number, ...number[]]

export type World = {
  readonly time: Time
  readonly cluster: Cluster
  readonly history: Event[]
  readonly topic: string
  readonly topicId: string
  /** Its clients name the topic by its id: another of its name is not meant. */
  readonly byId?: boolean
  readonly partitions: number
  /** How many bytes of padding its records may have: how soon a head is full, and where its data lies. */
  readonly paddings: Paddings
  /** How many records a request may have for a partition. */
  readonly recordsMax: number
  /** When clients stop. */
  readonly untilMs: number
}

export type Client = { readonly name: string; readonly world: World; readonly chance: Chance }

/** An event without what every event has. */
type Noted = Event extends infer E ? (E extends Event ? Omit<E, 'atMs' | 'client'> : never) : never

export function note({ name, world }: Client, event: Noted): void {
  // The type of `Noted` is each event's without two fields; spreading them back gives an event again.
  world.history.push({ atMs: world.time.now(), client: name, ...event } as Event)
}

/** What became of a call: an answer, an error that says what it means, or silence. */
export type Answer<T> = { readonly value: T } | { readonly error: KafkaError | StoreError } | { readonly silence: true }

export const pause = (time: Time, ms: number): Promise<void> => new Promise((resolve) => time.after(ms, resolve))

/** Asks a server and waits for it. Errors that a server must never give are thrown. */
export const ask = <T>(client: Client, work: (core: Core, append: Appender) => Promise<T>): Promise<Answer<T>> =>
  askOne(client, client.world.cluster.anyServer(), work)

/** As `ask`, but only a server whose clock is set right: what holds for 15 minutes needs one that can tell them. */
export function askPunctual<T>(client: Client, work: (core: Core) => Promise<T>): Promise<Answer<T>> {
  const server = client.world.cluster.anyServer()
  return askOne(client, server?.machine.corrected ? server : undefined, work)
}

function askOne<T>(
  { world }: Client,
  server: Server | undefined,
  work: (core: Core, append: Appender) => Promise<T>,
): Promise<Answer<T>> {
  return new Promise((resolve, reject) => {
    if (!server) return world.time.after(100, () => resolve({ error: new StoreError('unavailable', 'no server') }))
    world.time.after(patienceMs, () => resolve({ silence: true }))
    work(server.core, server.append).then(
      (value) => resolve({ value }),
      (error) => {
        if (error instanceof KafkaError || error instanceof StoreError) resolve({ error })
        else reject(error)
      },
    )
  })
}

export const isRetriable = ({ error }: { error: KafkaError | StoreError }): boolean => error.retriable
