/** A consumer group through the storm and after it: who comes when, the schedule beside it, and how it settles. */
import { fetchOffsets } from '../src/groups/offsets.ts'
import { partitionBounds } from '../src/log/offsets.ts'
import { knownTopic } from '../src/log/topics.ts'
import { ask, type Client, note, pause, type World } from './client.ts'
import { coreDoor, type GroupDoor } from './group-door.ts'
import { attend, type Crowd, type Self, type Strategy } from './members.ts'
import { keepUp } from './schedule.ts'

export type GroupScene = {
  readonly members: number
  /** How many of them are static. Two may have one instance id: each takes the other's place. */
  readonly instanceIds: readonly string[]
  readonly strategies: readonly [Strategy, ...Strategy[]]
  /** Whether the schedule runs beside it, and how long it pauses at most. */
  readonly schedule: boolean
}

/** Longer than any session and any rebalance time-out, several times over. */
const settlesWithinMs = 20 * 60_000
const lookEveryMs = 1_000

export type Gathering = {
  /** Rejects if a member meets what it never should; never resolves. */
  readonly broken: Promise<never>
  /** After everything healed: the survivors settle, one of them dies, and they settle again. Then all die. */
  settle(): Promise<void>
  /** Much later: newcomers find the dead, and take over what is theirs. */
  settleAnew(): Promise<void>
}

export function gather(
  scene: GroupScene,
  world: World,
  clientNamed: (name: string) => Client,
  door: GroupDoor = coreDoor,
): Gathering {
  let fail: (error: unknown) => void = () => {}
  const broken = new Promise<never>((_, reject) => {
    fail = reject
  })
  const { strategies } = scene
  const crowd: Crowd = {
    group: 'team',
    strategies,
    calmSinceMs: undefined,
    closed: false,
    living: new Set(),
    door,
    fail,
  }
  let members = 0
  const come = async (instanceId: string | undefined, afterMs: number) => {
    const client = clientNamed(`member-${members++}`)
    await pause(world.time, afterMs)
    await attend(client, crowd, instanceId)
  }
  const start = (instanceId: string | undefined, afterMs: number) => void come(instanceId, afterMs).catch(fail)
  const lateness = clientNamed('arrivals').chance
  for (let at = 0; at < scene.members; at++) {
    // Some come together, some late.
    const afterMs = lateness.happens(0.6) ? 0 : lateness.between(0, (world.untilMs - world.time.now()) * 0.7)
    start(scene.instanceIds[at], afterMs)
  }
  if (scene.schedule) void runSchedule(clientNamed('schedule'), crowd).catch(fail)
  const watcher = clientNamed('watcher')
  const settled = () => untilSettled(watcher, crowd)
  const end = () => {
    crowd.closed = true
    for (const self of crowd.living) kill(crowd, self)
  }
  return {
    broken,
    async settle() {
      crowd.calmSinceMs = world.time.now()
      // Lives that begin now go on; members that are between two lives stay away.
      if (crowd.living.size === 0) start(scene.instanceIds[0], 0)
      await settled()
      const [first, ...others] = crowd.living
      if (first && others.length > 0) {
        kill(crowd, lateness.pick([first, ...others]))
        crowd.calmSinceMs = world.time.now()
        await settled()
      }
      end()
    },
    async settleAnew() {
      crowd.calmSinceMs = world.time.now()
      crowd.closed = false
      start(scene.instanceIds[0], 0)
      start(undefined, 500)
      await settled()
      end()
    },
  }
}

function kill(crowd: Crowd, self: Self): void {
  self.killed = true
  crowd.living.delete(self)
}

const runSchedule = (client: Client, crowd: Crowd): Promise<void> =>
  keepUp(
    client,
    () => client.chance.pick([10_000, 60_000, 600_000]),
    () => crowd.calmSinceMs !== undefined || client.world.time.now() >= client.world.untilMs,
  )

/** Waits until the group looks settled or time is up, and writes down what it has come to. */
async function untilSettled(client: Client, crowd: Crowd): Promise<void> {
  const { world } = client
  const untilMs = world.time.now() + settlesWithinMs
  const partitions = Array.from({ length: world.partitions }, (_, partition) => partition)
  const ends = await Promise.all(partitions.map((partition) => endOf(client, partition)))
  for (;;) {
    await pause(world.time, lookEveryMs)
    const wanted = partitions.map((partition) => ({ topicId: world.topicId, partition }))
    const answer = await ask(client, (core) => fetchOffsets(core, crowd.group, wanted))
    if (!('value' in answer)) throw new Error('the offsets of a healed group cannot be read')
    const committed = answer.value.map((one) => one?.offset ?? null)
    const consumed = ends.every((end, partition) => (committed[partition] ?? 0) >= end)
    if ((!consumed || !looksSettled(crowd, world.partitions)) && world.time.now() < untilMs) continue
    const living = [...crowd.living].map((self) => ({
      slot: self.instanceId ?? self.memberId,
      generation: isConfirmed(crowd, self) ? self.generation : null,
      partitions: [...self.positions.keys()],
    }))
    const logs = ends.map((end, partition) => ({ partition, end, committed: committed[partition] ?? null }))
    return note(client, { kind: 'group-final', group: crowd.group, topicId: world.topicId, living, logs })
  }
}

/** By an answer of the time after the storm, or after the last death. */
const isConfirmed = ({ calmSinceMs = Number.POSITIVE_INFINITY }: Crowd, { confirmedMs }: Self): boolean =>
  confirmedMs > calmSinceMs

function looksSettled(crowd: Crowd, partitions: number): boolean {
  const living = [...crowd.living]
  const owned = living.flatMap((self) => [...self.positions.keys()])
  return (
    living.every((self) => isConfirmed(crowd, self) && self.generation === living[0]?.generation) &&
    owned.length === partitions &&
    new Set(owned).size === partitions
  )
}

async function endOf(client: Client, partition: number): Promise<number> {
  const { world } = client
  const bounds = await ask(client, async (core) =>
    partitionBounds(core, await knownTopic(core, world.topic), partition),
  )
  if (!('value' in bounds)) throw new Error('the bounds of a healed log cannot be read')
  return bounds.value.latest
}
