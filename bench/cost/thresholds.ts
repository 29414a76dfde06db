/**
 * `npm run bench:thresholds`: what the log's thresholds are worth, tried on the log itself with other constants. For whoever
 * chooses them (docs/decisions/0004); nothing is asserted.
 */
import { Worker } from 'node:worker_threads'
import { bundled, type Constants } from './bundle.ts'
import { figure, table } from './report.ts'
import { dollarsAMillion, type Tally } from './tally.ts'
import type { Trial, Tried } from './trial.ts'

const rates = [1, 100, 300]
const requests = 400

let variants = 0

async function tried(constants: Constants, trials: readonly Trial[], withContention = false): Promise<Tried[]> {
  const worker = new Worker(await bundled('bench/cost/trial.ts', `trial-${++variants}`, constants), {
    workerData: { trials, withContention },
  })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

const blob = 'src/log/blob.ts'
const head = 'src/log/head.ts'
const never = 0
const always = 390_000

const places: Readonly<Record<string, { readonly constants: Constants; readonly upTo: number }>> = {
  inline: { constants: { [`${blob}:inlineBytesMax`]: always, [`${blob}:itemBytesMax`]: always }, upTo: 1_024 },
  item: { constants: { [`${blob}:inlineBytesMax`]: never, [`${blob}:itemBytesMax`]: always }, upTo: always },
  object: { constants: { [`${blob}:inlineBytesMax`]: never, [`${blob}:itemBytesMax`]: never }, upTo: always },
}

const sizes = [50, 100, 150, 180, 200, 250, 300, 400, 600, 800, 1_024, 2_048, 4_096, 6_144, 7_000, 7_500, 8_192]
const largeSizes = [9_000, 10_240, 16_384, 32_768, 65_536]

const price = (tally: Tally | undefined): string =>
  tally ? `${dollarsAMillion(tally).toFixed(2)} / ${(tally.trips / tally.requests).toFixed(2)}` : '-'

async function byPlace(): Promise<void> {
  console.log('Where the bytes go: $ a million requests / round trips in sequence, by requests a second\n')
  const all = [...sizes, ...largeSizes]
  const columns: { title: string; tallies: (Tally | undefined)[] }[] = []
  for (const [place, { constants, upTo }] of Object.entries(places)) {
    const trials = rates.flatMap((aSecond) =>
      all.filter((valueBytes) => valueBytes <= upTo).map((valueBytes) => ({ valueBytes, aSecond, requests })),
    )
    const results = await tried(constants, trials)
    for (const aSecond of rates) {
      const tallies = all.map(
        (size) => results.find(({ trial }) => trial.valueBytes === size && trial.aSecond === aSecond)?.tally,
      )
      columns.push({ title: `${place} ${aSecond}/s`, tallies })
    }
  }
  const rows = all.map((size, at) => [`${size} B`, ...columns.map(({ tallies }) => price(tallies[at]))])
  console.log(table([['value', ...columns.map(({ title }) => title)], ...rows]))
}

/** One row a variant of the constants, one column a size and rate. */
async function byConstants(title: string, variantsOf: readonly Constants[], sizesOf: readonly number[]): Promise<void> {
  console.log(`\n${title}\n`)
  const trials = rates.flatMap((aSecond) => sizesOf.map((valueBytes) => ({ valueBytes, aSecond, requests })))
  const rows = []
  for (const constants of variantsOf) {
    const results = await tried(constants, trials)
    rows.push([nameOf(constants), ...results.map(({ tally }) => price(tally))])
  }
  console.log(table([['', ...trials.map(({ valueBytes, aSecond }) => `${valueBytes} B ${aSecond}/s`)], ...rows]))
}

const nameOf = (constants: Constants): string =>
  Object.entries(constants)
    .map(([name, value]) => `${name.split(':')[1]} ${value}`)
    .join(', ')

async function byFingerprints(): Promise<void> {
  console.log('\nFingerprints: 32 writers, 300 appends a second, calls of 4 ms (p50) and 12 ms (p99)\n')
  const rows = [['', 'value', 'clocks ±ms', '% sent again', 'refused', 'WU', 'p50 ms', 'p99 ms']]
  const trials = [0, 20, 100].flatMap((skewMs) =>
    [100, 1_024].map((valueBytes) => ({ valueBytes, aSecond: 300, requests: 3_000, skewMs })),
  )
  for (const [max, recentMs] of [
    [1, 20],
    [8, 20],
    [16, 20],
    [40, 10],
    [40, 20],
    [40, 40],
    [40, 80],
  ] as const) {
    const constants: Constants = {
      [`${head}:fingerprintsMax`]: max,
      [`${head}:fingerprintsMin`]: Math.min(8, max),
      [`${head}:recentMs`]: recentMs,
    }
    for (const { trial, contention } of await tried(constants, trials, true)) {
      if (!contention) continue
      const again = ((100 * contention.sentAgain) / contention.requests).toFixed(2)
      const units = figure(contention.writeUnits / contention.requests)
      const { refused, p50Ms, p99Ms } = contention
      rows.push([
        nameOf(constants),
        `${trial.valueBytes} B`,
        `${trial.skewMs}`,
        again,
        `${refused}`,
        units,
        `${p50Ms}`,
        `${p99Ms}`,
      ])
    }
  }
  console.log(table(rows))
}

await byPlace()
const inlineMax = [0, 128, 192, 256, 384, 512, 640]
await byConstants(
  'The largest batch inside a ref: $ a million requests / round trips in sequence',
  inlineMax.map((most) => ({ [`${blob}:inlineBytesMax`]: most })),
  [50, 100, 180, 300, 500],
)
await byConstants(
  'The head’s size: $ a million requests / round trips in sequence',
  [1_024, 2_048, 3_072, 4_096].map((bytes) => ({ [`${head}:headBytesMax`]: bytes })),
  [50, 100, 180, 1_024, 16_384],
)
await byFingerprints()
