import * as v from 'valibot'
import type { Topic } from '../../log/topics.ts'
import type { Core } from '../../runtime/core.ts'
import { wholeNumber } from '../body.ts'
import { HttpError } from '../errors.ts'
import { existingTopic, requirePartition } from '../topics.ts'
import type { AssignedPartition, Instance } from './instance-item.ts'

export type NamedPartition = { readonly topic: string; readonly partition: number }

export const namedPartition = { topic: v.string(), partition: wholeNumber }

/** A body that names partitions and nothing else. */
export const partitionsBody = v.strictObject({ partitions: v.array(v.strictObject(namedPartition)) })

/**
 * The topics of all the partitions, as they are now: 404 40401 or 40402 where one is missing. Nothing has been changed by
 * then: that is what callers look them up for.
 */
export async function topicsOf(core: Core, partitions: readonly NamedPartition[]): Promise<(name: string) => Topic> {
  const names = [...new Set(partitions.map(({ topic }) => topic))]
  const found = new Map(await Promise.all(names.map(async (name) => [name, await existingTopic(core, name)] as const)))
  const topicOf = (name: string) => {
    const topic = found.get(name)
    if (!topic) throw new Error(`the topic ${name} was not looked up`)
    return topic
  }
  for (const { topic, partition } of partitions) requirePartition(topicOf(topic), partition)
  return topicOf
}

const same = (a: NamedPartition, b: NamedPartition): boolean => a.topic === b.topic && a.partition === b.partition

/** The assigned partitions that are named: 409 40903 where one is not assigned. */
export function assignedAmong(instance: Instance, named: readonly NamedPartition[]): AssignedPartition[] {
  return named.map((wanted) => {
    const assigned = instance.assigned.find((candidate) => same(candidate, wanted))
    if (assigned) return assigned
    throw new HttpError(
      'illegalState',
      `Illegal state: No current assignment for partition ${wanted.topic}-${wanted.partition}`,
    )
  })
}

/** A place to go on from, in the topic as it is now: the one assigned may have been deleted and made anew since. */
export type NewPosition = NamedPartition & { readonly topicId: string; readonly position: number }

/** `assigned` with new positions for some. */
export function moved(assigned: readonly AssignedPartition[], to: readonly NewPosition[]): AssignedPartition[] {
  const positions = new Map(to.map((entry) => [`${entry.topic}-${entry.partition}`, entry]))
  return assigned.map((entry) => {
    const found = positions.get(`${entry.topic}-${entry.partition}`)
    return found ? { ...entry, topicId: found.topicId, position: found.position } : entry
  })
}
