/** Sends all flights with several producers at once, and kills one of them in the middle. */
import type { Acknowledged } from './check.ts'
import { type Child, startChild } from './child.ts'
import { batchesOf, type NumberedFlight } from './flights.ts'
import type { ProducerJob, ProducerReport } from './producer.ts'
import type { Progress } from './progress.ts'
import type { Target } from './rest.ts'

const producers = 4
const victim = 1

export type Produced = {
  /** Every acknowledgement, those of batches sent twice twice. */
  readonly acknowledged: readonly Acknowledged[]
  readonly seconds: number
  readonly producers: number
  readonly batches: number
  /** Batches that were acknowledged again, under their keys, after the kill. */
  readonly repeated: number
  readonly killed: number
}

export async function produceAll(
  target: Target,
  topic: string,
  flights: readonly NumberedFlight[],
  progress: Progress,
): Promise<Produced> {
  const acknowledged: Acknowledged[] = []
  const distinct = new Set<string>()
  let answers = 0
  let killed = 0
  let beganMs: number | undefined

  const run = async (producer: number): Promise<void> => {
    const batches = batchesOf(flights, producer, producers)
    const killAt = producer === victim ? Math.floor(batches.length / 2) : -1
    let done = 0
    for (let from = 0; ; ) {
      const job: ProducerJob = { target, topic, producer, producers, from }
      const child: Child = startChild<ProducerJob, ProducerReport>('producer.ts', job, (report) => {
        beganMs ??= performance.now()
        if (report.kind === 'sending') {
          if (report.batch === killAt && killed === 0) {
            killed++
            child.kill()
          }
          return
        }
        done = Math.max(done, report.batch + 1)
        answers++
        acknowledged.push(...report.records)
        if (!distinct.has(`${producer}/${report.batch}`)) progress.add(report.records.length)
        distinct.add(`${producer}/${report.batch}`)
      })
      if ((await child.ended) === 'finished') return
      // From the last acknowledged batch on, as one that died before it could write down how far it had come.
      from = Math.max(0, done - 1)
      progress.note(
        `producer ${producer} killed while batch ${killAt + 1} of ${batches.length} was under way; ` +
          `restarted from batch ${from + 1}, already acknowledged, under the same keys`,
      )
    }
  }

  await Promise.all(Array.from({ length: producers }, (_, producer) => run(producer)))
  const seconds = (performance.now() - (beganMs ?? performance.now())) / 1000
  return { acknowledged, seconds, producers, batches: distinct.size, repeated: answers - distinct.size, killed }
}
