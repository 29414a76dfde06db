/** Servers over one pair of stores: each is killed, restarted without memory, and frozen as the run's chance has it. */
import { type Appender, appendEach } from '../src/broker/appender.ts'
import { flushTogether } from '../src/broker/flush-together.ts'
import type { Core } from '../src/runtime/core.ts'
import { freshMemory } from '../src/runtime/memory.ts'
import { defaultSettings } from '../src/runtime/settings.ts'
import { type Clocks, drawClock, type Machine, machine } from './machine.ts'
import { late, type Network, storesSeenFrom } from './network.ts'
import type { Chance } from './random.ts'

/** How roughly the servers of one run are treated: chances for each step. */
export type Fate = {
  readonly kill: number
  readonly freeze: number
  readonly clocks: Clocks
  /** How long a frozen server sleeps: powers of ten, in milliseconds. */
  readonly sleep?: readonly [number, number]
}

/** `append`: how what its clients produce gets into the log. */
export type Server = { readonly machine: Machine; readonly core: Core; readonly append: Appender }

export type Cluster = {
  /** A server that is up at the moment, if any. */
  anyServer(): Server | undefined
  readonly kills: number
  readonly freezes: number
  /** From now on nothing is killed or frozen, and no clock of a new server is wrong. */
  heal(): void
}

type Setup = {
  readonly fate: Fate
  readonly servers: number
  /** Each call meets a server that remembers nothing, as a function started for it alone. */
  readonly cold: boolean
  /** What comes while a flush is under way goes into the next one together, as in a broker. */
  readonly together?: boolean
}

export function cluster(net: Network, { fate, servers: size, cold, together }: Setup, chance: Chance): Cluster {
  const { time } = net
  const up: (Server | undefined)[] = []
  let kills = 0
  let freezes = 0
  let healed = false
  let started = 0

  const start = (slot: number) => {
    const { skewMs, corrected } = drawClock(chance, healed ? 'right' : fate.clocks)
    const name = `server-${started++}`
    const self = machine(name, time, skewMs, corrected, (stepping) => step(slot, stepping))
    const core = coreOn(self, net, chance.fork(name))
    up[slot] = { machine: self, core, append: together ? flushTogether(core) : appendEach(core) }
  }
  const step = (slot: number, self: Machine) => {
    if (healed) return
    if (chance.happens(fate.kill)) {
      kills++
      self.kill()
      up[slot] = undefined
      time.after(late(chance) / 10, () => start(slot))
    } else if (chance.happens(fate.freeze)) {
      freezes++
      self.freeze(time.now() + late(chance, fate.sleep))
      // Its clients go elsewhere: another takes its place, and it wakes up as a stranger.
      up[slot] = undefined
      time.after(late(chance) / 10, () => start(slot))
    }
  }
  for (let slot = 0; slot < size; slot++) start(slot)
  return {
    anyServer() {
      const server = up[chance.below(size)]
      if (!server || !cold) return server
      const core = { ...server.core, memory: emptyMemory() }
      return { ...server, core, append: appendEach(core) }
    },
    get kills() {
      return kills
    },
    get freezes() {
      return freezes
    },
    heal() {
      healed = true
      for (let slot = 0; slot < size; slot++) start(slot)
    },
  }
}

const emptyMemory = () => freshMemory(64 * 1024)

export function coreOn(self: Machine, net: Network, chance: Chance): Core {
  const settings = { ...defaultSettings, appendTimeoutMs: 10_000 }
  const stores = storesSeenFrom(self, net)
  return { ...stores, clock: self.clock, random: chance, settings, memory: emptyMemory() }
}
