/**
 * A batch that compaction cannot read ends it before that batch. This process remembers it for a while: to read all that lies before, run
 * after run, would keep others waiting, and to be silent would end the alarm.
 */
import { type PartitionId, partitionText } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import type { UnreadableBatch } from './clean-segment.ts'
import type { Seen } from './partition-step.ts'

const rememberedMs = 10 * 60_000
const rememberedBytes = 1_000
const rememberedKey = (id: PartitionId): string => `unreadable ${partitionText(id)}`

type Remembered = { readonly error: StoreError; readonly untilMs: number }

/** Gives what is to be thrown. */
export function rememberUnreadable(core: Core, { topic, id }: Seen, cause: UnreadableBatch): StoreError {
  const says = `${topic.name}-${id.partition} is not compacted any further: ${cause.message}`
  const error = new StoreError('misconfigured', says, { cause })
  const untilMs = core.clock.uptime() + rememberedMs
  core.memory.immutable.set(rememberedKey(id), { error, untilMs } satisfies Remembered, rememberedBytes)
  return error
}

/** What was remembered a moment ago. */
export function unreadable(core: Core, id: PartitionId): StoreError | undefined {
  // What lies under this key is what `rememberUnreadable` put there.
  const known = core.memory.immutable.get(rememberedKey(id)) as Remembered | undefined
  return known && core.clock.uptime() < known.untilMs ? known.error : undefined
}
