/** One log on both sides, and what each holds of it. */
import { clientAt } from '../../broker/kit.ts'
import { batchesOf, type Step, settledKey, settling } from './sequence.ts'
import { append, createTopic, type Read, readAll, type Side, startOffset } from './side.ts'

export const minuteMs = 60_000
export const segmentBytes = 1024 * 1024

type Configs = Readonly<Record<string, string>>

/** Kafka's least segments, rolled as soon as a record is a minute younger than the first one. */
const small = { 'segment.bytes': String(segmentBytes), 'segment.ms': String(minuteMs) }

/** Compacted as soon as anything is rolled. */
export const compacted = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' }

/** What both hold, in the order in which the sides are given. */
type Held = readonly (readonly Read[])[]

export async function newLog(sides: readonly Side[], topic: string, configs: Configs) {
  for (const side of sides) await createTopic(side, topic, { ...small, ...configs })
  const sent: Read[] = []
  /** Of each batch that was sent: where it ends, and its size. */
  const sizes: { end: number; bytes: number }[] = []
  const both = <T>(does: (side: Side) => Promise<T>): Promise<T[]> => Promise.all(sides.map(does))

  /** Without what was only sent for the log to settle. */
  const hold = (): Promise<Held> =>
    both(async (side) => (await readAll(side, topic)).filter(({ key }) => key !== settledKey))

  /** Appends this to both, and what lets it be rolled; the offset where it ends. */
  async function send(steps: readonly Step[]): Promise<number> {
    const lastMs = steps.at(-1)?.timestampMs ?? 0
    const all = [...steps, ...settling(lastMs + 2 * minuteMs)]
    const batches = await batchesOf(all)
    const end = sent.length + steps.reduce((sum, { records }) => sum + records.length, 0)
    for (const [at, { records, timestampMs }] of all.entries()) {
      for (const [key, payload] of records) sent.push({ offset: sent.length, ts: timestampMs, key, payload })
      sizes.push({ end: sent.length, bytes: batches[at]?.length ?? 0 })
    }
    await both(async (side) => {
      const refused = (await append(side, topic, batches)).find(({ errorCode }) => errorCode !== 0)
      if (refused) throw new Error(`${side.name} refused a batch with ${refused.errorCode}`)
    })
    return end
  }

  return {
    topic,
    /** What was sent, at its offset, but for what was sent for it to settle. */
    sent: () => sent.filter(({ key }) => key !== settledKey),
    hold,
    send,
    /** The error that each answers a batch with. */
    errors: (batch: Uint8Array) =>
      both(async (side) => (await append(side, topic, [batch])).map(({ errorCode }) => errorCode)),
    /** Sends, and has it all compacted; what both hold then. */
    async round(steps: readonly Step[]): Promise<Held> {
      const end = await send(steps)
      await both((side) => side.cleaned(topic, end))
      return hold()
    },
    /** Has retention do its work, until `condition` holds of each side's start. */
    retained: (condition: (start: number) => boolean) =>
      both((side) => side.retained(topic, async () => condition(await startOffset(side, topic)))),
    starts: () => both((side) => startOffset(side, topic)),
    /** Of what was sent, from an offset on. */
    bytesFrom: (start: number) => sizes.filter(({ end }) => end > start).reduce((sum, { bytes }) => sum + bytes, 0),
    async alter(configs: Configs): Promise<void> {
      const told = Object.entries(configs).map(([name, value]) => ({ name, value, configOperation: 0 }))
      const resources = [{ resourceType: 2, resourceName: topic, configs: told }]
      await both(async (side) => {
        const client = await clientAt(side.port)
        const { responses } = await client.call('incrementalAlterConfigs', { resources, validateOnly: false })
        if (responses[0]?.errorCode !== 0) throw new Error(`${side.name}: ${responses[0]?.errorMessage}`)
      })
    },
  }
}

/** Of each key the newest, in order; tombstones too. */
export const newest = (records: readonly Read[]): readonly Read[] =>
  [...new Map(records.map((one) => [one.key, one])).values()].sort((one, other) => one.offset - other.offset)

/** A line that tells one record from another, and can be read where a test fails. */
export const shown = (records: readonly Read[] = []): readonly string[] =>
  records.map(
    ({ offset, ts, key, payload }) =>
      `${offset} at ${ts}: ${key} = ${payload === null ? 'none' : `${payload.slice(0, 12)} (${payload.length})`}`,
  )
