/** A Kafka client: it asks whom Metadata names, looks again when it is told to, and believes no epoch older than one it knows. */
import { type ApiName, apis } from '../../src/protocol/apis.ts'
import type { MessageIn, MessageOut } from '../../src/protocol/codec/message.ts'
import { type ErrorName, KafkaError } from '../../src/protocol/errors.ts'
import { readResponse, requestFrame } from '../../src/protocol/frame.ts'
import { type Client, note, pause } from '../client.ts'
import type { Where } from '../history.ts'
import type { Brokers } from './brokers.ts'
import type { Epochs, Wire } from './wire.ts'

type Request<Name extends ApiName> = MessageIn<(typeof apis)[Name]['request']>
type Response<Name extends ApiName> = MessageOut<(typeof apis)[Name]['response']>

export type Asking = {
  /** In the newest version, unless told otherwise. */
  readonly version?: number
  /** For how long the broker may hold the request, and how long the client waits for it. */
  readonly waitMsMax?: number
  readonly patienceMs?: number
  readonly where?: Where
}
export type Answered<Name extends ApiName> = {
  readonly value: Response<Name>
  readonly epochs: Epochs | undefined
  readonly sentMs: number
}
export type Leader = { readonly node: number; readonly epoch: number; readonly host: string | undefined }

export type KafkaClient = {
  readonly client: Client
  readonly brokers: Brokers
  ask<Name extends ApiName>(
    host: string,
    name: Name,
    request: Request<Name>,
    asking?: Asking,
  ): Promise<Answered<Name> | 'closed' | 'silence'>
  /** As last told; undefined where nobody leads, or the leader's address is not known. */
  leaderOf(partition: number): { readonly host: string; readonly epoch: number } | undefined
  /** Asks a broker that it knows, or any; false where it was told nothing. */
  refresh(): Promise<boolean>
  /** What an answer told of a leader. */
  told(by: string, sentMs: number, partition: number, leader: number, epoch: number): void
}

const askPatienceMs = 8_000

export const isError = (code: number, ...names: readonly ErrorName[]): boolean =>
  names.some((name) => new KafkaError(name, '').code === code)

export function kafkaClient(client: Client, brokers: Brokers): KafkaClient {
  const { world, chance, name } = client
  const { time, topicId } = world
  const wires = new Map<string, Wire>()
  const hosts = new Map<number, string>()
  const leaders = new Map<number, { node: number; epoch: number }>()
  let correlationId = 0

  const wireTo = (host: string): Wire | undefined => {
    const known = wires.get(host)
    if (known?.isOpen()) return known
    const made = brokers.connect(host, chance)
    if (made) wires.set(host, made)
    else wires.delete(host)
    return made
  }
  const self: KafkaClient = {
    client,
    brokers,
    async ask(host, api, request, { version = apis[api].versions[1], waitMsMax = 20_000, patienceMs, where } = {}) {
      const sentMs = time.now()
      const wire = wireTo(host)
      if (!wire) {
        await pause(time, chance.between(1, 100))
        return 'closed'
      }
      const frame = Buffer.concat(
        requestFrame(api, version, { correlationId: correlationId++, clientId: name }, request),
      )
      const silence = pause(time, patienceMs ?? askPatienceMs).then(() => 'silence' as const)
      const reply = await Promise.race([wire.send(frame.subarray(4), waitMsMax, where), silence])
      // As clients do: what comes later on this connection is nobody's answer.
      if (reply === 'silence') wire.close()
      if (reply === 'silence' || reply === 'closed') return reply
      return { value: readResponse(api, version, reply.bytes).value, epochs: reply.epochs, sentMs }
    },
    leaderOf(partition) {
      const known = leaders.get(partition)
      const host = known && hosts.get(known.node)
      return known && host !== undefined ? { host, epoch: known.epoch } : undefined
    },
    async refresh() {
      const known = [...hosts.values()]
      const [first, ...others] = known
      const host = first !== undefined && chance.happens(0.7) ? chance.pick([first, ...others]) : brokers.anyHost()
      if (host === undefined) return false
      const answer = await self.ask(host, 'metadata', { topics: [{ name: world.topic }] }, { patienceMs: 3_000 })
      if (typeof answer === 'string' || answer.value.brokers.length === 0) {
        for (const [node, its] of hosts) if (its === host) hosts.delete(node)
        return false
      }
      hosts.clear()
      for (const broker of answer.value.brokers) hosts.set(broker.nodeId, broker.host)
      for (const { partitionIndex, leaderId, leaderEpoch } of answer.value.topics[0]?.partitions ?? []) {
        self.told(host, answer.sentMs, partitionIndex, leaderId, leaderEpoch)
      }
      return true
    },
    told(by, sentMs, partition, leader, epoch) {
      if (epoch < 0) return
      const known = leaders.get(partition)
      if (!known || epoch >= known.epoch) leaders.set(partition, { node: leader, epoch })
      if (leader < 0) return
      // Under a name of its own: the client's calls are judged by what it was told itself.
      note(
        { ...client, name: `${name} (leaders)` },
        { kind: 'leader-told', by, sentMs, leader, epoch, topicId, partition },
      )
    },
  }
  return self
}

/** Notes that a broker answered as leader. */
export function noteLed(
  { client, brokers }: KafkaClient,
  by: string,
  { epochs, sentMs }: Pick<Answered<ApiName>, 'epochs' | 'sentMs'>,
  partition: number,
  attempt?: string,
): void {
  if (!epochs) return
  const { node, from: epochFrom, to: epochTo } = epochs
  const led = {
    by,
    node,
    sentMs,
    leaseMs: brokers.leaseMs,
    epochFrom,
    epochTo,
    ...(attempt === undefined ? {} : { attempt }),
  }
  const watcher = { ...client, name: `${client.name} (leaders)` }
  note(watcher, { kind: 'led', ...led, topicId: client.world.topicId, partition })
}
