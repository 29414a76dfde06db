/**
 * Brokers of one cluster, as `millrace serve` runs them: each joins, beats, leads and coordinates; it is killed and started anew
 * without memory, sleeps longer than its lease and goes on as if nothing had happened, or is rolled: leaves, ends, and comes back.
 */
import { appendEach } from '../../src/broker/appender.ts'
import { type Broker, newBroker } from '../../src/broker/broker.ts'
import { type Cluster as NodeCluster, newCluster } from '../../src/broker/cluster.ts'
import { flushTogether } from '../../src/broker/flush-together.ts'
import { NodeIdTaken } from '../../src/cluster/member.ts'
import { StoreError } from '../../src/store/errors.ts'
import { pause } from '../client.ts'
import { type Cluster, coreOn, type Server } from '../cluster.ts'
import type { Weather } from '../faults.ts'
import { type Clocks, drawClock, machine } from '../machine.ts'
import type { Network } from '../network.ts'
import type { Chance } from '../random.ts'
import { connect, type Wire } from './wire.ts'

export type BrokersScene = {
  readonly leaseMs: number
  /** Chances for each step of a broker. */
  readonly kill: number
  readonly freeze: number
  /** Cut off from the stores, not from its clients. */
  readonly cut: number
  readonly clocks: Clocks
  /** Brokers have node ids of their own, which they come back with. */
  readonly named: boolean
  /** How many of them are rolled, one after the other; and how long one pauses at most in between. */
  readonly rolls: number
  readonly rollPauseMs: number
  /** How likely a request is to meet the end of its connection. */
  readonly breaks: number
}

/** One life of a broker; its host is a name that no other has. */
export type Life = {
  readonly host: string
  readonly slot: number
  readonly server: Server
  readonly broker: Broker
  readonly node: NodeCluster
  readonly wires: Set<Wire>
  joined: boolean
  frozenUntilMs: number
  cutUntilMs: number
}

export type Brokers = Cluster & {
  readonly leaseMs: number
  connect(host: string, chance: Chance): Wire | undefined
  /** Whom a client asks that knows nobody; it may be asleep, or not have joined. */
  anyHost(): string | undefined
  /** All are up and awake, and have joined. */
  areWell(): boolean
  living(): readonly Life[]
  /** Kills one for good; its slot stays empty until `startAll`. */
  killOne(): void
  startAll(): void
  roll(untilMs: number): Promise<void>
  /** Rejects if a broker meets what it never should; never resolves. */
  readonly broken: Promise<never>
}

const port = 9092
/** Nothing is written; most of what is read does not come. */
const cutOff: Weather = { write: 1, read: 0.9, kinds: ['unreachable', 'reset before', 'request lost'] }

export function brokers(net: Network, scene: BrokersScene, size: number, chance: Chance): Brokers {
  const { time } = net
  const { leaseMs } = scene
  const up: (Life | undefined)[] = []
  const byHost = new Map<string, Life>()
  let [kills, freezes, lives] = [0, 0, 0]
  let healed = false
  let fail: (error: unknown) => void = () => {}
  const broken = new Promise<never>((_, reject) => {
    fail = reject
  })

  const start = (slot: number): void => {
    if (up[slot]) return
    const host = `broker-${lives++}`
    const { skewMs, corrected } = drawClock(chance, healed ? 'right' : scene.clocks)
    const self = machine(host, time, skewMs, corrected, () => step(host))
    const seen: Network = {
      ...net,
      get weather() {
        return time.now() < life.cutUntilMs ? cutOff : net.weather
      },
    }
    const core = coreOn(self, seen, chance.fork(host))
    const nodeId = scene.named ? { nodeId: slot + 1 } : {}
    const node = newCluster(core, { host, port, leaseMs, ...nodeId }, (error) => {
      if (!(error instanceof StoreError || error instanceof NodeIdTaken)) fail(error)
    })
    const append = flushTogether(core)
    const broker = newBroker({ core, view: node.view, append, appendsInOrder: true, report: fail })
    const server = { machine: self, core, append: appendEach(core) }
    const life: Life = {
      host,
      slot,
      server,
      broker,
      node,
      wires: new Set(),
      joined: false,
      frozenUntilMs: 0,
      cutUntilMs: 0,
    }
    up[slot] = life
    byHost.set(host, life)
    node.join().then(
      () => {
        life.joined = true
      },
      (error) => {
        if (!(error instanceof StoreError || error instanceof NodeIdTaken)) fail(error)
        end(life, 1_000)
      },
    )
  }
  /** `againMs`: when another takes its place; never, where undefined. */
  const end = (life: Life, againMs: number | undefined): void => {
    life.server.machine.kill()
    for (const wire of life.wires) wire.close()
    byHost.delete(life.host)
    if (up[life.slot] !== life) return
    up[life.slot] = undefined
    if (againMs !== undefined) time.after(againMs, () => start(life.slot))
  }
  const step = (host: string): void => {
    const life = byHost.get(host)
    if (healed || !life || time.now() < life.frozenUntilMs) return
    if (chance.happens(scene.kill)) {
      kills++
      end(life, 10 ** chance.between(2, 4.3))
    } else if (chance.happens(scene.freeze)) {
      freezes++
      life.frozenUntilMs = time.now() + leaseMs * 10 ** chance.between(-1.5, 0.9)
      life.server.machine.freeze(life.frozenUntilMs)
    } else if (chance.happens(scene.cut)) {
      life.cutUntilMs = time.now() + leaseMs * 10 ** chance.between(-0.5, 0.7)
    }
  }
  /** As a stop in good order; one that takes too long is ended as it is. */
  const rollOne = async (life: Life): Promise<void> => {
    const leaving = async () => {
      await life.node.leave()
      for (const wire of life.wires) wire.close()
      await life.node.release()
    }
    await Promise.race([leaving().catch(() => {}), pause(time, leaseMs + 5_000)])
    end(life, chance.between(100, 3_000))
  }
  for (let slot = 0; slot < size; slot++) start(slot)
  const living = () => up.flatMap((life) => (life ? [life] : []))
  return {
    leaseMs,
    broken,
    living,
    anyServer: () => up[chance.below(size)]?.server,
    anyHost: () => up[chance.below(size)]?.host,
    connect(host, lot) {
      const life = byHost.get(host)
      if (!life) return undefined
      const wire = connect({ time, chance: lot, machine: life.server.machine, broker: life.broker }, () =>
        healed ? 0 : scene.breaks,
      )
      life.wires.add(wire)
      return wire
    },
    areWell: () =>
      living().length === size && living().every((life) => life.joined && time.now() >= life.frozenUntilMs),
    killOne() {
      const victim = living()[chance.below(living().length)]
      if (victim) end(victim, undefined)
    },
    startAll() {
      for (let slot = 0; slot < size; slot++) start(slot)
    },
    async roll(untilMs) {
      for (let roll = 0; roll < scene.rolls; roll++) {
        await pause(time, chance.between(0, scene.rollPauseMs))
        if (time.now() >= untilMs) return
        const life = up[roll % size]
        if (life?.joined) await rollOne(life)
      }
    },
    get kills() {
      return kills
    },
    get freezes() {
      return freezes
    },
    heal() {
      healed = true
      for (const life of living()) life.cutUntilMs = 0
      this.startAll()
    },
  }
}
