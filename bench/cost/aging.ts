/** Sections on logs that live for years: what is done in the background, and that length costs nothing. */
import { background } from './background.ts'
import { longLife } from './long-life.ts'
import { atMost, exactly, figure, type Limit } from './report.ts'
import type { Found } from './sections.ts'

const entriesShort = 1_000
const entriesLong = 1_000_000

export async function livingLong(): Promise<Found> {
  const [short, long] = [await longLife(entriesShort), await longLife(entriesLong)]
  const limits: Limit[] = []
  for (const what of ['append', 'fetchFirst', 'fetchMiddle', 'fetchLast'] as const) {
    const name = `1,000,000 entries, ${what}: beside 1,000 entries`
    limits.push(
      exactly(`${name}: write units`, long[what].writeUnits, short[what].writeUnits),
      exactly(`${name}: read units`, long[what].readUnits, short[what].readUnits),
      exactly(`${name}: round trips`, long[what].trips, short[what].trips),
      exactly(`${name}: GETs and PUTs`, long[what].gets + long[what].puts, short[what].gets + short[what].puts),
    )
  }
  const unitsAnEntry = ({ retention: { writeUnits, readUnits }, removedEntries }: typeof short) =>
    (writeUnits + readUnits) / removedEntries
  limits.push(
    exactly('1,000,000 entries, lookup by time: reads, worst', long.byTime.mostReadCalls, short.byTime.mostReadCalls),
    atMost('1,000,000 entries, lookups by time: round trips', long.byTime.trips, short.byTime.trips * 1.05),
    atMost('1,000,000 entries, retention of a tenth: units an entry', unitsAnEntry(long), unitsAnEntry(short)),
  )
  return {
    section: {
      title: 'A log of 1,000,000 index entries (each costs what it does with 1,000, but for retention’s own work)',
      rows: [
        { name: 'append 1 KB', tally: long.append },
        { name: 'fetch at the beginning', tally: long.fetchFirst },
        { name: 'fetch in the middle', tally: long.fetchMiddle },
        { name: 'fetch at the end', tally: long.fetchLast },
        { name: 'lookup by time', tally: long.byTime },
      ],
      notes: [
        `retention of a tenth: ${long.removedEntries} entries, ${figure(unitsAnEntry(long))} units each, by time, blobs that forget themselves`,
      ],
    },
    limits,
  }
}

const bytesAGet = 4_000_000

/** At 1 MB/s. The second is of blob items that the store forgets by itself. */
export async function workingBehind(): Promise<Found> {
  const large = await background({ valueBytes: 10_240, requests: 4_000, everyMs: 10 })
  const small = await background({ valueBytes: 1_024, requests: 20_000, everyMs: 1 })
  const getsOf = ({ reading, segments }: typeof large) => reading.gets - segments - reading.valueBytes / bytesAGet
  const read = ({ reading, segments }: typeof large) =>
    `${figure(reading.valueBytes / 1e6)} MB of history in ${segments} segments: ${reading.gets} GETs`
  return {
    section: {
      title: 'In the background, at 1 MB/s (rolled, merged, retained by time; the sweep, once a day, is not in it)',
      rows: [
        { name: 'produce 10 KB', tally: large.produce },
        { name: 'produce 1 KB', tally: small.produce },
      ],
      notes: [
        `10 KB a request: ${figure(large.percent)} % of that; ${read(large)}`,
        `1 KB a request: ${figure(small.percent)} % of that; ${read(small)}`,
      ],
    },
    limits: [
      atMost('background at 1 MB/s, 10 KB a request: % of producing', large.percent, 15),
      atMost('background at 1 MB/s, 1 KB a request: % of producing', small.percent, 15),
      atMost(
        'rolled history of 10 KB requests: GETs above one for 4 MB, but for each segment’s last',
        getsOf(large),
        0,
      ),
      atMost('rolled history of 1 KB requests: GETs above one for 4 MB, but for each segment’s last', getsOf(small), 0),
    ],
  }
}
