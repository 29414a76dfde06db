import type { Assignor } from './assignors/assignor.ts'
import { range } from './assignors/range.ts'
import { roundRobin } from './assignors/round-robin.ts'
import { sticky } from './assignors/sticky.ts'

export type { AssignedPartition, Assignor, AssignorMember } from './assignors/assignor.ts'

/** How a leader may share out partitions, by the name that members vote for. */
export const assignors: Record<'range' | 'roundrobin' | 'sticky', Assignor> = { range, roundrobin: roundRobin, sticky }
