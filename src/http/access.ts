/**
 * What a caller may touch. IAM decides on what a URL names, before a function runs; this decides on what it does not: the topics in
 * a body, and what a list shows. A principal without grants in the store is governed by IAM alone; one with grants is held to them.
 */
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import type { Memory } from '../runtime/memory.ts'
import { type Grants, readGrants } from './grants.ts'
import { principalOf } from './principal.ts'

export type Operation = 'read' | 'write'

/** To be asked, and awaited, before the first write of a call: a denied call leaves nothing behind. */
export type Access = {
  /** 403 40301 unless the caller may read from, or write to, every topic; reading for `group` where one is given. */
  requireTopics(operation: Operation, names: readonly string[], group?: string): Promise<void>
  requireTopic(operation: Operation, name: string, group?: string): Promise<void>
  /** 403 40301 unless the caller may read something for the group. */
  requireGroup(group: string): Promise<void>
  /** 403 unless the caller is bound by no grants: for doors where IAM does not see what is done to topics and groups. */
  requireAdmin(): Promise<void>
  /** Whether the caller may read a topic for the group: what a pattern may match. Holds for this call: ask anew at each resolution. */
  readable(group: string): Promise<(topic: string) => boolean>
  /** Those the caller may read or write, in their order. */
  visibleTopics<T extends { readonly name: string }>(topics: readonly T[]): Promise<readonly T[]>
  visibleGroups(groups: readonly string[]): Promise<readonly string[]>
}

/** How long a process goes by what it has read: a change of grants is in force everywhere after this. */
const grantsKeptMs = 60_000
const principalsKept = 1_000

/** The access of a caller, by the ARN that API Gateway gives (`anonymous`: a server without IAM). Reads the store at need, once. */
export function accessOf(core: Core, userArn: string): Access {
  const principal = principalOf(userArn)
  return principal === undefined ? openAccess : heldTo(() => knownGrants(core, principal))
}

/** Where nobody is asked who they are. */
export const openAccess: Access = heldTo(async () => undefined)

function heldTo(grantsOf: () => Promise<Grants | undefined>): Access {
  const held = async (): Promise<Grants | undefined> => {
    const grants = await grantsOf()
    return grants?.admin ? undefined : grants
  }
  const requireTopics = async (operation: Operation, names: readonly string[], group?: string): Promise<void> => {
    if (names.length === 0) return
    const grants = await held()
    const denied = grants ? names.filter((name) => !mayTouch(grants, operation, name, group)) : []
    if (denied.length === 0) return
    const named = [...new Set(denied)].slice(0, 10).map((name) => name.slice(0, 249))
    throw new KafkaError('TOPIC_AUTHORIZATION_FAILED', `Not authorized to access topics: [${named.join(', ')}]`)
  }
  return {
    requireTopics,
    requireTopic: (operation, name, group) => requireTopics(operation, [name], group),
    async requireGroup(group) {
      const grants = await held()
      if (!grants || maySeeGroup(grants, group)) return
      throw new KafkaError('GROUP_AUTHORIZATION_FAILED', `Not authorized to access group: ${group.slice(0, 255)}`)
    },
    async requireAdmin() {
      if (await held()) throw new KafkaError('CLUSTER_AUTHORIZATION_FAILED', 'Cluster authorization failed.')
    },
    async readable(group) {
      const grants = await held()
      return (topic) => !grants || mayTouch(grants, 'read', topic, group)
    },
    async visibleTopics(topics) {
      const grants = await held()
      return grants
        ? topics.filter(({ name }) => mayTouch(grants, 'read', name) || mayTouch(grants, 'write', name))
        : topics
    },
    async visibleGroups(groups) {
      const grants = await held()
      return grants ? groups.filter((group) => maySeeGroup(grants, group)) : groups
    },
  }
}

const covers = (granted: string, name: string): boolean => granted === '*' || granted === name

function mayTouch(grants: Grants, operation: Operation, topic: string, group?: string): boolean {
  if (operation === 'write') return grants.produce.some((granted) => covers(granted, topic))
  return grants.consume.some(
    (granted) => covers(granted.topic, topic) && (group === undefined || covers(granted.group, group)),
  )
}

const maySeeGroup = (grants: Grants, group: string): boolean =>
  grants.consume.some((granted) => covers(granted.group, group))

type Known = { readonly grants: Promise<Grants | undefined>; readonly readAtMs: number }

/** What a process has read of grants, kept as long as its memory. */
const known = new WeakMap<Memory, Map<string, Known>>()

function knownGrants(core: Core, principal: string): Promise<Grants | undefined> {
  const principals = known.get(core.memory) ?? new Map<string, Known>()
  known.set(core.memory, principals)
  const nowMs = core.clock.uptime()
  const found = principals.get(principal)
  if (found && nowMs - found.readAtMs < grantsKeptMs) return found.grants
  const read: Known = { grants: readGrants(core.items, principal), readAtMs: nowMs }
  principals.delete(principal)
  principals.set(principal, read)
  // What could not be read is asked for again by the next call.
  read.grants.catch(() => {
    if (principals.get(principal) === read) principals.delete(principal)
  })
  for (const oldest of principals.keys()) {
    if (principals.size <= principalsKept) break
    principals.delete(oldest)
  }
  return read.grants
}
