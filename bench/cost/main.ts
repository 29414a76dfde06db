/**
 * `npm run bench:cost`: what the log costs in units, requests, round trips and dollars, and whether it holds what it promises.
 * The same numbers each time: time and chance are simulated. Ends with exit code 1 where a limit is broken.
 *
 * `--dynamodb-local` asks for the comparison with DynamoDB Local's bill (it is made anyway where Java and Maven are there),
 * `--no-dynamodb-local` leaves it out.
 */
import { spawnSync } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { bundled } from './bundle.ts'
import type { Million } from './million.ts'
import { dollars } from './prices.ts'
import { atMost, type Limit, limitText, sectionText } from './report.ts'
import type { Found } from './sections.ts'

/** A module in a thread of its own, so that both cores work; it posts one message. */
async function inWorker<T>(name: string): Promise<T> {
  const worker = new Worker(await bundled(`bench/cost/${name}.ts`, name), {
    resourceLimits: { maxYoungGenerationSizeMb: 128, maxOldGenerationSizeMb: 3_000 },
  })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error(`${name} ended without a word`)))
  })
}

const starts = (command: string, version: string) => spawnSync(command, [version], { stdio: 'ignore' }).status === 0

async function againstDynamodbLocal(): Promise<readonly Limit[] | 'left out'> {
  if (process.argv.includes('--no-dynamodb-local')) return 'left out'
  const asked = process.argv.includes('--dynamodb-local') || process.env.DYNAMODB_LOCAL_URL !== undefined
  if (!asked && !(starts('java', '-version') && starts('mvn', '-version'))) return 'left out'
  const { sameUnits } = await import('./same-units.ts')
  return sameUnits()
}

const memoryGb = 0.25
const durationSeconds = 0.02

function printLegend(): void {
  const lambda = dollars.aMillionInvocations + memoryGb * durationSeconds * 1e6 * dollars.aGigabyteSecond
  console.log(`Per request, on average: WU and RU DynamoDB's units, PUT and GET of S3, reads = calls that read, trips = round trips in
sequence; "worst" = of one request. $/M: what the stores charge for a million requests; $/GiB: of record values. us-east-1.
Not in it, as it is the same whatever the log does: Lambda some $${lambda.toFixed(2)} a million (256 MB, 20 ms each), API Gateway's
HTTP API $${dollars.aMillionHttpApiCalls.toFixed(2)} a million (a function URL: nothing).
`)
}

async function main(): Promise<void> {
  const beganMs = Date.now()
  printLegend()
  const [found, million, compared] = await Promise.all([
    inWorker<Found[]>('sections'),
    inWorker<Million>('million'),
    againstDynamodbLocal(),
  ])
  for (const { section } of found) if (section) console.log(sectionText(section))
  console.log(`A million tiny appends: the head weighs ${million.lastBytes} bytes, ${million.largestBytes} at most\n`)
  const limits = [
    ...found.flatMap((one) => one.limits),
    atMost('head after a million appends: bytes, worst', million.largestBytes, 1_023),
    ...(compared === 'left out' ? [] : compared),
  ]
  for (const limit of limits) console.log(limitText(limit))
  if (compared === 'left out') console.log('left out: the comparison with DynamoDB Local (needs java and mvn)')
  const failed = limits.filter((limit) => !limit.holds).length
  console.log(`\n${limits.length - failed} passed, ${failed} failed (${Math.round((Date.now() - beganMs) / 1_000)} s)`)
  process.exitCode = failed === 0 ? 0 : 1
}

await main()
