/**
 * Generations of a consumer group: they only grow; in each one, a partition has one owner, one slot leads, and all members go by
 * one plan, which the leader sent. Whoever is in one is known to its leader.
 */
import type { Plan } from '../group-events.ts'
import type { Anomaly, Event } from '../history.ts'
import { type Bound, type Facts, type Kind, knownAt } from './facts.ts'
import { type Reports, reports } from './reports.ts'

type Sent = { readonly plan: Plan; readonly event: Event }
type Generation = {
  /** By partition: who was told first that it is his. */
  readonly owners: Map<number, Kind<'given'>>
  /** Those that nothing told to a member has ruled out. */
  plans: Sent[]
  leader: Kind<'joined'> | undefined
  readonly given: Kind<'given'>[]
}
type Group = { readonly generations: Map<number, Generation>; readonly known: Bound[] }

export function checkGenerations(facts: Facts): readonly Anomaly[] {
  const found = reports()
  const groups = new Map<string, Group>()
  for (const [at, event] of facts.history.entries()) {
    if (event.kind !== 'joined' && event.kind !== 'given' && event.kind !== 'plan-sent') continue
    const group = groups.get(event.group) ?? { generations: new Map(), known: [] }
    groups.set(event.group, group)
    const generation = generationOf(group, event.generation)
    if (event.kind === 'plan-sent') generation.plans.push({ plan: event.plan, event })
    else checkGrowth(facts, group, event, at, found)
    if (event.kind === 'joined') checkLeader(generation, event, found)
    if (event.kind === 'given') {
      checkOwners(generation, event, found)
      checkPlans(generation, event, found)
      checkEnrolment(generation, event, found)
    }
  }
  return found.all()
}

function generationOf({ generations }: Group, generation: number): Generation {
  const known = generations.get(generation)
  if (known) return known
  const made: Generation = { owners: new Map(), plans: [], leader: undefined, given: [] }
  generations.set(generation, made)
  return made
}

/** What is told is no older than what anyone knew before the question. */
function checkGrowth(facts: Facts, group: Group, event: Kind<'joined'> | Kind<'given'>, at: number, found: Reports) {
  const { known } = group
  const before = knownAt(known, facts.beganAfter(at))
  if (before && event.generation < before.offset) {
    const what = `${event.group} was in generation ${event.generation} after it had been in ${before.offset}`
    found.add('generation-went-back', event, what, [before.event, event])
  }
  if (event.generation > (known.at(-1)?.offset ?? 0)) known.push({ at, offset: event.generation, event })
}

function checkLeader(generation: Generation, event: Kind<'joined'>, found: Reports): void {
  if (!event.members) return
  const { leader } = generation
  generation.leader = event
  if (!leader || leader.slot === event.slot) return
  const what = `${leader.slot} and ${event.slot} both lead generation ${event.generation} of ${event.group}`
  found.add('two-leaders', generation, what, [leader, event])
}

function checkOwners({ owners }: Generation, event: Kind<'given'>, found: Reports): void {
  for (const { partition } of event.partitions) {
    const other = owners.get(partition)
    if (!other) owners.set(partition, event)
    else if (other.slot !== event.slot) {
      const what = `partition ${partition} belongs to ${other.slot} and to ${event.slot} in generation ${event.generation}`
      found.add('two-owners', owners, what, [other, event])
    }
  }
}

/** There is a plan of the leader by which everyone was given what he was given. */
function checkPlans(generation: Generation, event: Kind<'given'>, found: Reports): void {
  generation.given.push(event)
  const fits = ({ plan }: Sent) =>
    textOf(plan[event.slot] ?? []) === textOf(event.partitions.map((one) => one.partition))
  const left = generation.plans.filter(fits)
  if (left.length === 0 && (generation.plans.length > 0 || event.partitions.length > 0)) {
    const what = `what ${event.slot} was given in generation ${event.generation} is of no plan that the others go by`
    found.add('another-plan', generation, what, [...generation.plans.map((sent) => sent.event), ...generation.given])
  }
  generation.plans = left
}

const textOf = (partitions: readonly number[]): string => partitions.toSorted((a, b) => a - b).join()

/** The leader's list comes from those who were counted; whoever is given something belongs to them. */
function checkEnrolment({ leader }: Generation, event: Kind<'given'>, found: Reports): void {
  if (!leader?.members || leader.members.includes(event.slot)) return
  const what = `${event.slot} is in generation ${event.generation}, and its leader was not told of it`
  found.add('left-out', event, what, [leader, event])
}
