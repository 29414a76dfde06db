/** What groups cost, as tables and limits: their members, and REST consumers that have nothing to read. */
import { membership } from './groups.ts'
import { type Idle, idle, pollings } from './idle.ts'
import { atMost, exactly, figure, type Limit, type Section, table } from './report.ts'
import type { Tally } from './tally.ts'

type Found = { readonly section: Section; readonly limits: readonly Limit[] }

const reads = ({ readUnits, requests }: Tally) => readUnits / requests
const writes = ({ writeUnits, requests }: Tally) => writeUnits / requests
const units = (tally: Tally) => reads(tally) + writes(tally)

/** Joining, heartbeats and commits, in a small group and in a large one. */
export async function grouping(): Promise<Found> {
  const [small, large] = [3, 300]
  const [few, many] = [await membership(small), await membership(large)]
  const rowsOf = (size: number, { join, heartbeat, commit }: typeof few) => [
    { name: `join, each of ${size} at once`, tally: join },
    { name: `heartbeat among ${size}`, tally: heartbeat },
    { name: `commit of a member among ${size}`, tally: commit },
  ]
  return {
    section: {
      title: 'Consumer groups (most of a join is waiting: an empty group waits 300 ms for more members)',
      rows: [...rowsOf(small, few), ...rowsOf(large, many)],
    },
    limits: [
      exactly(`heartbeat among ${small}: write units`, writes(few.heartbeat), 1),
      exactly(`heartbeat among ${large}: write units`, writes(many.heartbeat), 1),
      exactly(`heartbeat among ${large}: read units, as among ${small}`, reads(many.heartbeat), reads(few.heartbeat)),
      exactly(`heartbeat among ${large}: round trips, worst`, many.heartbeat.mostTrips, 1),
      atMost(
        `join: units of a member among ${large}, over those among ${small}`,
        units(many.join) / units(few.join),
        1.25,
      ),
      exactly(`commit among ${large}: units, as among ${small}`, units(many.commit), units(few.commit)),
      atMost('commit of a member: round trips, worst', many.commit.mostTrips, 2),
    ],
  }
}

/** Dollars a month that one consumer may cost, by how it polls. */
const dollarsMost = [29, 24, 23, 6, 0.2]
/** A heartbeat in a third of the session, and the time of use. One write in each auto commit's interval would be 720. */
const writesAnHourMost = 240

/** One consumer that never finds anything, by how it polls. */
export async function idling(): Promise<Found> {
  const found: Idle[] = []
  for (const polling of pollings) found.push(await idle(polling))
  const total = ({ stores, lambda, gateway }: Idle) => stores + lambda + gateway
  const cells = found.map((one) => [
    one.polling.name,
    figure(writes(one.polls)),
    figure(reads(one.polls)),
    figure(one.writesAnHour),
    ...[one.stores, one.lambda, one.gateway, total(one)].map((value) => value.toFixed(2)),
  ])
  const columns = ['polls', 'WU', 'RU', 'WU/hour', 'stores $', 'Lambda $', 'HTTP API $', 'a month $']
  return {
    section: {
      title: 'An idle REST consumer, one of three in a group, a month (functions of 512 MB)',
      rows: [],
      notes: table([columns, ...cells]).split('\n'),
    },
    limits: found.flatMap((one, at) => [
      atMost(`idle, ${one.polling.name}: write units an hour`, one.writesAnHour, writesAnHourMost),
      atMost(`idle, ${one.polling.name}: dollars a month`, total(one), dollarsMost[at] ?? 0),
    ]),
  }
}
