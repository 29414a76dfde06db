/**
 * After everything healed a group settles: all that live are in one generation, every partition has one owner that lives, and
 * every record that was there has been handled by somebody and committed.
 */
import type { Anomaly } from '../history.ts'
import type { Facts, Kind } from './facts.ts'
import { type Reports, reports, text } from './reports.ts'

export function checkSettled(facts: Facts): readonly Anomaly[] {
  const found = reports()
  /** By group and partition: what has been handled, without gaps. */
  const handled = new Map<string, { from: number; next: number }[]>()
  for (const event of facts.history) {
    if (event.kind === 'handled') {
      const key = JSON.stringify([event.group, text(event)])
      handled.set(key, [...(handled.get(key) ?? []), event])
    }
    if (event.kind !== 'group-final') continue
    checkOwners(event, found)
    for (const { partition, end, committed } of event.logs) {
      const where = text({ ...event, partition })
      if ((committed ?? 0) < end) {
        const what = `${where} ends at ${end}, and the group has not come beyond ${committed ?? 'its beginning'}`
        found.add('unconsumed', event, what, [event])
      }
      const gap = firstGap(handled.get(JSON.stringify([event.group, where])) ?? [])
      if (gap < (committed ?? 0)) {
        const what = `${where} is committed up to ${committed}, and nobody has handled ${gap}`
        found.add('unhandled', event, what, [event])
      }
    }
  }
  return found.all()
}

function checkOwners(event: Kind<'group-final'>, found: Reports): void {
  const { living, logs } = event
  const [first] = living
  const unsettled = (what: string) => found.add('unsettled', event, `${event.group}: ${what}`, [event])
  if (!first) {
    unsettled('nobody lives')
    return
  }
  const late = living.find(({ generation }) => generation === null || generation !== first.generation)
  if (late) unsettled(`${late.slot} is in generation ${late.generation}, ${first.slot} in ${first.generation}`)
  for (const { partition } of logs) {
    const owners = living.filter(({ partitions }) => partitions.includes(partition))
    if (owners.length !== 1) unsettled(`partition ${partition} has ${owners.length} living owners`)
  }
}

function firstGap(ranges: readonly { readonly from: number; readonly next: number }[]): number {
  let reached = 0
  for (const { from, next } of ranges.toSorted((a, b) => a.from - b.from)) {
    if (from > reached) break
    reached = Math.max(reached, next)
  }
  return reached
}
