/**
 * Whether what the stores hold hangs together: walks every partition from its head over its index to the bytes, reads only, and
 * tells each contradiction. Others may be at work meanwhile: a partition in which something seems wrong is walked again, and
 * only what is wrong every time is told, for what moves is right again at the next look.
 */
import { listTopics, type Topic, topicNamed } from '../log/topics.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { type Finding, type Looked, nothingLooked } from './look.ts'
import { lookAtPartition } from './partition.ts'

export type VerifyOptions = {
  /** Names; none: all topics. */
  readonly topics?: readonly string[]
  readonly deep?: boolean
  /** Told of each contradiction as it is found, one line. */
  found(line: string): void
  /** Told after each partition what has been looked at so far. */
  progress?(looked: Looked): void
}

export type Verified = {
  readonly looked: Looked
  readonly contradictions: number
  /** Keys of objects that are named and not there. */
  readonly missingObjects: readonly string[]
}

const looksMax = 3
const partitionsAtOnce = 4
const betweenLooksMs = 1_000
/** What is remembered of one partition: one that is wholly broken says the same many times. */
const findingsMax = 1_000

/**
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION; StoreError where the store cannot be read.
 */
export async function verify(core: Core, options: VerifyOptions): Promise<Verified> {
  const { topics: names = [], deep = false } = options
  const topics = names.length > 0 ? await Promise.all(names.map((name) => topicNamed(core, name))) : null
  const looked = nothingLooked()
  const missing = new Set<string>()
  let contradictions = 0
  for (const topic of topics ?? (await listTopics(core))) {
    const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition)
    await inParallel(partitionsAtOnce, partitions, async (partition) => {
      const seen = await verifyPartition(core, topic, partition, deep)
      for (const { says } of seen.findings) options.found(`${topic.name}-${partition}: ${says}`)
      contradictions += seen.findings.length
      for (const key of seen.missing) missing.add(key)
      // Object.keys forgets the keys that the type has.
      for (const name of Object.keys(looked) as (keyof Looked)[]) looked[name] += seen.looked[name]
      options.progress?.(looked)
    })
  }
  return { looked, contradictions, missingObjects: [...missing] }
}

async function verifyPartition(core: Core, topic: Topic, partition: number, deep: boolean) {
  const id = { topicId: topic.id, partition }
  let standing: ReadonlyMap<string, Finding> | undefined
  for (let at = 1; ; at++) {
    const looked = { ...nothingLooked(), partitions: 1 }
    const missing = new Set<string>()
    const found = new Map<string, Finding>()
    const find = (about: string, says: string) => {
      if (found.size < findingsMax && (!standing || standing.has(about))) found.set(about, { about, says })
    }
    await lookAtPartition(core, { topic, id, deep, looked, missing, find })
    if (found.size === 0 || at === looksMax) return { findings: [...found.values()], looked, missing }
    standing = found
    await core.clock.sleep(betweenLooksMs)
  }
}
