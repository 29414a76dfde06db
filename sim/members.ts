/**
 * Members of a consumer group, as a front door plays them: they join, assign where they lead, sync, read their partitions from the
 * committed offset, commit what they have handled and say that they live; and they die, doze off, leave and come back.
 */
import { assignors } from '../src/groups/assignors.ts'
import type { JoinReply } from '../src/groups/join.ts'
import { fetchOffsets } from '../src/groups/offsets.ts'
import { decodeSubscription, encodeAssignment, encodeSubscription } from '../src/groups/protocol.ts'
import type { SyncReply } from '../src/groups/sync.ts'
import { KafkaError } from '../src/protocol/errors.ts'
import { type Answer, ask, type Client, note, pause } from './client.ts'
import type { GroupDoor } from './group-door.ts'
import type { Plan } from './group-events.ts'

export type Strategy = keyof typeof assignors

/** What the members of one group have in common. */
export type Crowd = {
  readonly group: string
  readonly strategies: readonly [Strategy, ...Strategy[]]
  /** From then on members live as well as they can: nobody dies, dozes or leaves unless told to. */
  calmSinceMs: number | undefined
  /** Nobody comes back. */
  closed: boolean
  readonly living: Set<Self>
  readonly door: GroupDoor
  /** Of what nobody waits for: something came that never should. */
  readonly fail: (error: unknown) => void
}

/** One life of one member. */
export type Self = {
  readonly instanceId: string | undefined
  readonly sessionMs: number
  readonly rebalanceMs: number
  memberId: string
  /** -1: none. */
  generation: number
  positions: Map<number, Position>
  /** When it was last told that it belongs to its generation. */
  confirmedMs: number
  /** Told to die: it does nothing more, and tells nobody. */
  killed: boolean
}

type Position = { next: number; sent: number }

let commits = 0
let asides = 0
/** Commits are numbered within a run. */
export const beginCommits = (): void => {
  commits = 0
  asides = 0
}

/** One life after the other, until the storm is over; the one it has then goes on until it is killed. The last of all comes back. */
export async function attend(client: Client, crowd: Crowd, instanceId: string | undefined): Promise<void> {
  const { world, chance } = client
  for (;;) {
    const self: Self = {
      instanceId,
      sessionMs: Math.floor(chance.between(10_000, 45_000)),
      rebalanceMs: chance.pick([10_000, 30_000, 60_000]),
      memberId: '',
      generation: -1,
      positions: new Map(),
      confirmedMs: 0,
      killed: false,
    }
    crowd.living.add(self)
    await live(client, crowd, self)
    crowd.living.delete(self)
    await pause(world.time, chance.between(0, chance.pick([2_000, 30_000, 90_000])))
    if (self.killed || crowd.closed) return
    const isOver = crowd.calmSinceMs !== undefined || world.time.now() >= world.untilMs
    if (isOver && crowd.living.size > 0) return
  }
}

/** Told of a group's end of a life: dead, or without a slot that is its own. */
type Then = 'again' | 'seated' | 'dead'

async function live(client: Client, crowd: Crowd, self: Self): Promise<void> {
  const { world, chance } = client
  while (!self.killed) {
    const joined = await join(client, crowd, self)
    if (joined === 'dead') return
    if (dies(client, crowd, 0.03)) return
    const then = joined === 'again' ? joined : await sync(client, crowd, self, joined)
    if (then === 'dead') return
    if (then === 'seated' && (await work(client, crowd, self)) === 'dead') return
    await pause(world.time, chance.between(0, 500))
  }
}

const isCalm = ({ calmSinceMs }: Crowd): boolean => calmSinceMs !== undefined
const dies = ({ chance }: Client, crowd: Crowd, share: number): boolean => !isCalm(crowd) && chance.happens(share)

/** A static member's slot is its instance's; of a dynamic one that has no id yet, nobody knows. */
const slotOf = ({ instanceId, memberId }: Pick<Self, 'instanceId' | 'memberId'>): string => instanceId ?? memberId
const inGroup = (crowd: Crowd, self: Self) => ({ group: crowd.group, slot: slotOf(self), memberId: self.memberId })
const named = ({ memberId, instanceId }: Self) => ({ memberId, ...(instanceId === undefined ? {} : { instanceId }) })

async function join(client: Client, crowd: Crowd, self: Self): Promise<JoinReply | 'again' | 'dead'> {
  const { world, chance } = client
  const owned = self.generation < 0 ? [] : [{ topic: world.topic, partitions: [...self.positions.keys()] }]
  const subscription = { topics: [world.topic], generation: self.generation }
  const protocols = crowd.strategies.map((name) => ({
    name,
    metadata: encodeSubscription({ ...subscription, owned: name === 'sticky' ? owned : [] }),
  }))
  const request = {
    group: crowd.group,
    ...named(self),
    clientId: client.name,
    clientHost: 'simulated',
    sessionTimeoutMs: self.sessionMs,
    rebalanceTimeoutMs: self.rebalanceMs,
    protocolType: 'consumer',
    protocols,
    requireKnownMemberId: chance.happens(0.3),
  }
  const waitMs = chance.pick([2_000, 8_000, 20_000])
  note(client, { kind: 'join-sent', ...inGroup(crowd, self) })
  const answer = await crowd.door.join(client, request, waitMs)
  if (!('value' in answer)) return refused(client, crowd, self, answer)
  if ('pending' in answer.value) {
    self.memberId = answer.value.pending.memberId
    return 'again'
  }
  const { joined } = answer.value
  self.memberId = joined.memberId
  const leads = joined.leader === self.memberId
  const members = leads ? { members: joined.members.map(slotOfJoined) } : {}
  note(client, { kind: 'joined', generation: joined.generation, ...members, ...inGroup(crowd, self) })
  return joined
}

const slotOfJoined = ({ instanceId, memberId }: JoinReply['members'][number]): string => instanceId ?? memberId

async function sync(client: Client, crowd: Crowd, self: Self, joined: JoinReply): Promise<Then> {
  const { chance } = client
  const leads = joined.leader === self.memberId && !joined.skipAssignment
  for (;;) {
    if (self.killed || dies(client, crowd, 0.01)) return 'dead'
    const twice = leads && chance.happens(0.2)
    const send = () => {
      const assignments = leads ? assign(client, crowd, self, joined) : []
      note(client, { kind: 'sync-sent', generation: joined.generation, ...inGroup(crowd, self) })
      return syncOnce(client, crowd, self, joined.generation, assignments)
    }
    const [answer, other] = await Promise.all(twice ? [send(), send()] : [send()])
    if (!answer) throw new Error('a sync was not answered')
    // What another server told it at the same time proves nothing about what came first.
    if (other && 'value' in other && other.value !== 'pending') {
      const hedge = { ...client, name: `${client.name} (hedge)` }
      give(hedge, crowd, self, joined.generation, other.value)
    }
    if (!('value' in answer)) return refused(client, crowd, self, answer)
    if (answer.value === 'pending') continue
    seat(client, self, joined.generation, answer.value)
    give(client, crowd, self, joined.generation, answer.value)
    return 'seated'
  }
}

const syncOnce = (
  client: Client,
  crowd: Crowd,
  self: Self,
  generation: number,
  assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[],
) => {
  const waitMs = client.chance.pick([1_000, 8_000, 20_000])
  const request = { group: crowd.group, ...named(self), generation, assignments }
  return crowd.door.sync(client, request, waitMs)
}

function give(client: Client, crowd: Crowd, self: Self, generation: number, { owned }: SyncReply): void {
  const partitions = owned.map(({ partition, committed }) => ({ partition, committed: committed?.offset ?? null }))
  note(client, { kind: 'given', generation, topicId: client.world.topicId, partitions, ...inGroup(crowd, self) })
}

function seat({ world }: Client, self: Self, generation: number, { owned }: SyncReply): void {
  self.generation = generation
  self.confirmedMs = world.time.now()
  self.positions = new Map(
    owned.map(({ partition, committed }) => {
      const offset = committed?.offset ?? 0
      return [partition, { next: offset, sent: offset }]
    }),
  )
}

/** By the assignor that was voted for; now and then the parts go round, so that no two plans of one leader are alike. */
function assign(client: Client, crowd: Crowd, self: Self, { members, protocol, generation }: JoinReply) {
  const { world, chance } = client
  const assignor = Object.entries(assignors).find(([name]) => name === protocol)?.[1]
  if (!assignor) throw new Error(`nobody had voted for ${protocol}`)
  const described = members.map(({ memberId, instanceId, metadata }) => {
    const { topics, owned, generation } = decodeSubscription(metadata)
    const had = owned.map(({ topic, partitions }) => ({ topic, partitions: [...partitions] }))
    const rest = { topics: [...topics], owned: had, ownedGeneration: generation }
    return { memberId, ...(instanceId === undefined ? {} : { instanceId }), ...rest }
  })
  const parts = assignor(described, new Map([[world.topic, world.partitions]]))
  const turn = chance.happens(0.4) ? chance.below(members.length) : 0
  const plan: Record<string, number[]> = {}
  const assignments = members.map((member, at) => {
    const from = members[(at + turn) % members.length] ?? member
    const partitions = (parts.get(from.memberId) ?? []).map(({ partition }) => partition)
    plan[slotOfJoined(member)] = partitions
    const assignment = encodeAssignment({ partitions: [{ topic: world.topic, partitions }] })
    return { memberId: member.memberId, assignment }
  })
  note(client, { kind: 'plan-sent', generation, plan: plan satisfies Plan, ...inGroup(crowd, self) })
  return assignments
}

/** Reads, commits and beats in turn until the group goes on without it. */
async function work(client: Client, crowd: Crowd, self: Self): Promise<Then> {
  const { world, chance } = client
  const stepMs = self.sessionMs / chance.pick([6, 12, 30])
  const beatEveryMs = chance.pick([500, self.sessionMs / 8, self.sessionMs / 4])
  let beatenMs = world.time.now()
  if (chance.happens(0.2)) for (const partition of self.positions.keys()) await look(client, crowd, partition)
  while (!self.killed) {
    if (dies(client, crowd, 0.01)) return 'dead'
    if (dies(client, crowd, 0.01)) return leave(client, crowd, self)
    // Beyond its session, or nearly: it wakes up and goes on as if nothing had happened.
    if (dies(client, crowd, 0.02)) await pause(world.time, self.sessionMs * chance.between(0.5, 3))
    await readSome(client, crowd, self)
    if (isCalm(crowd) || chance.happens(0.4)) await commitSome(client, crowd, self)
    const then = await stayIn(client, crowd, self, world.time.now() - beatenMs >= beatEveryMs)
    if (then === 'beaten') beatenMs = world.time.now()
    else if (then) {
      // Kafka's consumers commit once more before they give their partitions away; some do so too late, or do not wait.
      if (chance.happens(0.7)) commitMeanwhile(client, crowd, self)
      else if (chance.happens(0.5)) await commitSome(client, crowd, self)
      return then === 'dead' ? then : 'again'
    }
    await pause(world.time, chance.between(0, stepMs))
  }
  return 'dead'
}

/** `undefined`: it goes on. */
async function stayIn(client: Client, crowd: Crowd, self: Self, isDue: boolean): Promise<Then | 'beaten' | undefined> {
  const { world, chance } = client
  const request = { group: crowd.group, ...named(self), generation: self.generation }
  if (isDue) {
    const answer = await crowd.door.heartbeat(client, request)
    if ('value' in answer) self.confirmedMs = world.time.now()
    if ('value' in answer || 'silence' in answer) return 'beaten'
    return answer.error instanceof KafkaError ? refused(client, crowd, self, answer) : undefined
  }
  // A poll of a REST instance looks without a word of its own. What it sees may be its neighbour's end.
  if (isCalm(crowd) || chance.happens(0.7) || !crowd.door.lookAfter) return undefined
  const answer = await crowd.door.lookAfter(client, request)
  return 'value' in answer && answer.value === 'rebalancing' ? 'again' : undefined
}

async function leave(client: Client, crowd: Crowd, self: Self): Promise<Then> {
  if (await crowd.door.leave(client, crowd.group, named(self)))
    note(client, { kind: 'disowned', error: 'it left', ...inGroup(crowd, self) })
  // Some go on with what they have in hand.
  if (client.chance.happens(0.5)) await commitSome(client, crowd, self)
  return 'dead'
}

/** What an answer that is none means for the one who asked. Errors that a member must never be told are thrown. */
function refused<T>(client: Client, crowd: Crowd, self: Self, answer: Answer<T>): 'again' | 'dead' {
  if (!('error' in answer) || !(answer.error instanceof KafkaError)) return 'again'
  switch (answer.error.error) {
    case 'REBALANCE_IN_PROGRESS':
    case 'ILLEGAL_GENERATION':
      return 'again'
    case 'UNKNOWN_MEMBER_ID':
    case 'FENCED_INSTANCE_ID': {
      const { error } = answer.error
      // That it is unknown may be said by a lost beat of a member that lives: no proof, as a commit's refusal is one.
      if (error === 'FENCED_INSTANCE_ID') note(client, { kind: 'disowned', error, ...inGroup(crowd, self) })
      if (error === 'FENCED_INSTANCE_ID') return 'dead'
      if (client.chance.happens(0.7)) forget(self)
      // Else it insists once more, and commits under the name that it has lost.
      return 'again'
    }
    default:
      throw answer.error
  }
}

function forget(self: Self): void {
  self.memberId = ''
  self.generation = -1
  self.positions = new Map()
}

async function readSome(client: Client, crowd: Crowd, self: Self): Promise<void> {
  const partitions = [...self.positions]
  const chosen = partitions[client.chance.below(partitions.length)]
  if (!chosen) return
  const [partition, position] = chosen
  const read = await crowd.door.read(client, partition, position.next)
  const next = read === 'out of range' ? undefined : read
  if (next === undefined || next <= position.next) return
  const where = { topicId: client.world.topicId, partition }
  note(client, { kind: 'handled', from: position.next, next, ...where, ...inGroup(crowd, self) })
  position.next = next
}

async function commitSome(client: Client, crowd: Crowd, self: Self): Promise<void> {
  if (self.memberId === '' || self.generation < 0) return
  for (const [partition, position] of self.positions) {
    const { next: offset } = position
    if (offset <= position.sent) continue
    const attempt = `m${commits++}`
    const where = { topicId: client.world.topicId, partition }
    const { generation } = self
    note(client, { kind: 'member-commit-sent', attempt, generation, offset, ...where, ...inGroup(crowd, self) })
    const answer = await crowd.door.commit(client, crowd.group, { ...where, offset }, { ...named(self), generation })
    if ('value' in answer) {
      note(client, { kind: 'member-commit-acked', attempt })
      position.sent = offset
    } else if ('error' in answer && answer.error instanceof KafkaError) {
      const { error } = answer.error
      note(client, { kind: 'member-commit-refused', attempt, error })
      if (error === 'UNKNOWN_MEMBER_ID') note(client, { kind: 'disowned', error, ...inGroup(crowd, self) })
    } else {
      note(client, { kind: 'member-commit-unknown', attempt })
    }
    if (client.chance.happens(0.3)) await look(client, crowd, partition)
  }
}

/** Commits what it has now, or does so when it is too late, and goes on without waiting for it. */
function commitMeanwhile(client: Client, crowd: Crowd, self: Self): void {
  const { world, chance } = client
  const aside = { ...client, name: `${client.name} (aside ${asides++})` }
  const positions = Array.from(self.positions, ([partition, position]) => [partition, { ...position }] as const)
  const then = { ...self, positions: new Map(positions) }
  const lateMs = chance.happens(0.5) ? chance.between(500, 6_000) : 0
  const commit = async () => {
    if (lateMs > 0) await pause(world.time, lateMs)
    // A member that is in the same generation again would take back what it has committed since.
    if (lateMs === 0 || self.generation !== then.generation) await commitSome(aside, crowd, then)
  }
  commit().catch(crowd.fail)
}

async function look(client: Client, { group }: Crowd, partition: number): Promise<void> {
  const where = { topicId: client.world.topicId, partition }
  const answer = await ask(client, (core) => fetchOffsets(core, group, [where]))
  if (!('value' in answer)) return
  note(client, { kind: 'member-committed', group, offset: answer.value[0]?.offset ?? null, ...where })
}
