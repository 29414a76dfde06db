/**
 * Blob items that the store forgets by itself: DynamoDB's TTL deletes for nothing what a delete would cost as much as the write
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html). Only where it cannot fire early: every topic in
 * the blob goes by time alone, the one that keeps longest decides, and days are added.
 *
 * An append of such a blob holds only under the version of the configs that its time went by (head.ts). Configs that keep longer
 * are told to all heads first; then what had been appended is given more time (keep-longer.ts), before they take effect.
 */
import type { Core } from '../runtime/core.ts'
import { retentionOf } from './retention.ts'
import { configValue, type TopicConfigs } from './topic-configs.ts'

const dayMs = 86_400_000
/** For clocks, for maintenance that is late, and for readers that are in the middle of it. */
export const ttlSlackMs = 2 * dayMs
/** A record may be this far ahead of the clock: the slack must cover it, for it keeps what comes after it from going. */
const aheadMsMax = dayMs
/** What is to stay longer is worth a delete. */
const keptMsMax = 20 * 365 * dayMs

type Configured = { readonly id: string; readonly configVersion: number; readonly overrides: TopicConfigs }
type Stored = { readonly topic: Configured; readonly maxTimestampMs: number }

/** How long the topic's blobs are needed after their newest record, where their age alone decides (ms). */
export function keptForMs({ overrides }: Pick<Configured, 'overrides'>): number | undefined {
  const { deletes, compacts, ms } = retentionOf(overrides)
  if (!deletes || compacts || ms === undefined || ms > keptMsMax) return undefined
  const ahead = Number(configValue(overrides, 'message.timestamp.after.max.ms'))
  const isAppendTime = configValue(overrides, 'message.timestamp.type') === 'LogAppendTime'
  return isAppendTime || ahead <= aheadMsMax ? ms : undefined
}

/** When a blob may be forgotten (seconds since 1970) that is needed for so long after this time (ms). */
export const ttlAfter = (newestMs: number, keptMs: number): number =>
  Math.ceil((newestMs + keptMs + ttlSlackMs) / 1_000)

/** When a blob may be forgotten that holds all of this and is made now (seconds); `undefined`: not by itself. */
export function ttlOf(core: Core, stored: readonly Stored[]): number | undefined {
  if (!core.items.forgets) return undefined
  let ttl: number | undefined
  for (const { topic, maxTimestampMs } of stored) {
    const keptMs = core.memory.immutable.get(outdatedKey(topic)) ? undefined : keptForMs(topic)
    if (keptMs === undefined) return undefined
    ttl = Math.max(ttl ?? 0, ttlAfter(Math.max(maxTimestampMs, core.clock.now()), keptMs))
  }
  return ttl
}

const outdatedKey = ({ id, configVersion }: Pick<Configured, 'id' | 'configVersion'>): string =>
  `outdated ${id}/${configVersion}`

/**
 * A head is beyond this version of the topic's configs: no blob is stored by it any more that forgets itself. (The topic may be at
 * it still, where whoever changes it is at work, or died.)
 */
export function sawOutdated(core: Core, topic: Pick<Configured, 'id' | 'configVersion'>): void {
  core.memory.immutable.set(outdatedKey(topic), true, 100)
}
