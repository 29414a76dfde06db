/** An anomaly on paper: what broke, the events that show it, the store calls around them, and how to see it again. */
import { mkdir, writeFile } from 'node:fs/promises'
import { folder } from './bundle.ts'
import type { Anomaly, Event } from './history.ts'
import type { Limits } from './limits.ts'
import type { Result } from './result.ts'

const eventsShown = 12
const callsShown = 40
const anomaliesShown = 3
const aroundMs = 2_000

/** `result`: the shortest found. */
export async function printAnomalies(result: Result): Promise<void> {
  const file = `${folder}/seed-${result.seed}.json`
  await mkdir(folder, { recursive: true })
  await writeFile(file, `${JSON.stringify(result, undefined, 1)}\n`)
  console.log(
    `\nseed ${result.seed}: ${result.anomalies.length} anomalies in ${result.history.length} events, the fewest found`,
  )
  for (const anomaly of result.anomalies.slice(0, anomaliesShown)) {
    console.log(`  ${anomaly.name}: ${anomaly.what}`)
    for (const event of anomaly.events.slice(0, eventsShown)) console.log(`    ${eventText(event)}`)
  }
  const [first] = result.anomalies
  if (first) printCalls(first, result.trace)
  console.log(`  all of it: .lanes/sim/seed-${result.seed}.json`)
  console.log(`  again:     npm run sim -- --seed ${result.seed} --seeds 1${limitsText(result.limits)}`)
}

function printCalls({ events }: Anomaly, trace: readonly string[]): void {
  const times = events.filter(({ client }) => client !== 'last').map(({ atMs }) => atMs)
  const around = trace.filter((line) => times.some((ms) => Math.abs(Number.parseInt(line, 10) - ms) <= aroundMs))
  const shown = (around.length > 0 ? around : trace).slice(-callsShown)
  console.log(`  the store calls around it (time, server, call: fault), the last ${shown.length} of ${around.length}:`)
  for (const line of shown) console.log(`    ${line}`)
}

function eventText({ atMs, client, kind, ...rest }: Event): string {
  const text = JSON.stringify(rest, (key, value) => (key === 'topicId' ? undefined : value))
  return `${atMs} ${client} ${kind} ${text.length > 300 ? `${text.slice(0, 300)}…` : text}`
}

export const limitsText = ({ lengthMs, producers, readers, scene }: Limits): string =>
  [
    lengthMs === undefined ? '' : ` --length-ms ${lengthMs}`,
    producers === undefined ? '' : ` --producers ${producers}`,
    readers === undefined ? '' : ` --readers ${readers}`,
    scene === undefined ? '' : ` --scene ${scene}`,
  ].join('')
