/**
 * A REST consumer instance: all of it is one item, so any server answers any call.
 *
 *   v            1
 *   format       `json` or `binary`, what it was created to read
 *   reset        `earliest` or `latest`: where to begin without a position
 *   minBytes     `fetch.min.bytes`
 *   timeoutMs    `consumer.request.timeout.ms`
 *   emptyCommit  whether commits answer 204
 *   assigned     list of {t topic, i topic id, p partition, o position or null}
 *   rev          eight random bytes in hex, new at every change of `assigned`: whoever changes it names the one it read
 *   usedMs       when it was last used, to the minute
 *
 * Membership of a group comes beside `assigned`; nothing here stands in its way.
 */
import { requireFormat } from '../../log/format.ts'
import { consumerKey } from '../../log/keys.ts'
import { pause } from '../../log/retry.ts'
import type { Core } from '../../runtime/core.ts'
import { StoreError } from '../../store/errors.ts'
import {
  absent,
  any,
  compare,
  equals,
  exists,
  type Item,
  type Key,
  set,
  type Update,
  type Value,
  type Written,
} from '../../store/items.ts'
import { HttpError } from '../errors.ts'
import type { EmbeddedFormat } from '../media-types.ts'

const itemFormat = 1

/** As C removes an instance unused for 300 s, its name may then be taken again. Until somebody does, it goes on working. */
const idleMsMax = 300_000
/** How stale `usedMs` may get before a call that changes nothing else writes it. */
const usedEveryMs = 60_000

export type AssignedPartition = {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** The next offset to hand out; `null` until the first poll or seek. */
  readonly position: number | null
}

export type Reset = 'earliest' | 'latest'

export type InstanceOptions = {
  readonly format: EmbeddedFormat
  readonly reset: Reset
  readonly minBytes: number
  readonly timeoutMs: number
  readonly emptyCommit: boolean
}

export type Instance = InstanceOptions & {
  readonly group: string
  readonly name: string
  readonly assigned: readonly AssignedPartition[]
  readonly rev: string
  readonly usedMs: number
}

/** 409 40902 where the name is taken and was used within five minutes. */
export async function createInstance(core: Core, group: string, name: string, options: InstanceOptions): Promise<void> {
  const nowMs = core.clock.now()
  const rev = newRev(core)
  const { format, reset, minBytes, timeoutMs, emptyCommit } = options
  const patches = Object.entries({
    v: itemFormat,
    format,
    reset,
    minBytes,
    timeoutMs,
    emptyCommit,
    assigned: [],
    rev,
    usedMs: nowMs,
  })
  const { applied } = await settled(core, consumerKey(group, name), rev, {
    patches: patches.map(([attribute, value]) => set(attribute, value)),
    if: any(absent('v'), compare('usedMs', '<', nowMs - idleMsMax)),
  })
  if (applied) return
  throw new HttpError(
    'instanceExists',
    'Consumer with specified consumer ID already exists in the specified consumer group.',
  )
}

/** 404 40403 where there is none. */
export async function readInstance(core: Core, group: string, name: string): Promise<Instance> {
  const item = await core.items.get(consumerKey(group, name))
  if (!item) throw notFound()
  return decode(group, name, item)
}

/** 404 40403 where there is none. What it committed stays. */
export async function deleteInstance(core: Core, group: string, name: string): Promise<void> {
  const { applied } = await core.items.delete(consumerKey(group, name), exists('v'))
  if (!applied) throw notFound()
}

/**
 * Puts `assigned` in the place of what was read with `instance`. `false`: another call changed it in between, and nothing was
 * done. 404 40403 where the instance has gone.
 */
export async function saveAssigned(
  core: Core,
  instance: Instance,
  assigned: readonly AssignedPartition[],
): Promise<boolean> {
  const rev = newRev(core)
  const { applied, item } = await settled(core, consumerKey(instance.group, instance.name), rev, {
    patches: [set('assigned', assigned.map(encodePartition)), set('rev', rev), set('usedMs', core.clock.now())],
    if: equals('rev', instance.rev),
  })
  if (!applied && !item) throw notFound()
  return applied
}

/** Reads, changes and saves, again where a rival call came in between. */
export async function changeAssigned(
  core: Core,
  group: string,
  name: string,
  change: (instance: Instance) => Promise<readonly AssignedPartition[]> | readonly AssignedPartition[],
): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const instance = await readInstance(core, group, name)
    if (await saveAssigned(core, instance, await change(instance))) return
    await pause(core, attempt)
  }
  throw new HttpError(
    'throttled',
    'Too many calls changed this consumer instance at once; nothing was changed. Try again.',
  )
}

/** Says, at most once a minute, that the instance is still in use. */
export async function keepAlive(core: Core, instance: Instance): Promise<void> {
  const nowMs = core.clock.now()
  if (nowMs - instance.usedMs < usedEveryMs) return
  await core.items.update(consumerKey(instance.group, instance.name), {
    patches: [set('usedMs', nowMs)],
    if: equals('rev', instance.rev),
  })
}

const notFound = () => new HttpError('instanceNotFound', 'Consumer instance not found.')

const newRev = (core: Core): string => Buffer.from(core.random.bytes(8)).toString('hex')

/** An update whose answer is lost is sent again: its own `rev` in the item that then fails the condition says it was done. */
async function settled(core: Core, key: Key, rev: string, update: Update): Promise<Written> {
  for (let attempt = 0; ; attempt++) {
    try {
      const written = await core.items.update(key, update)
      return !written.applied && written.item?.rev === rev ? { applied: true, item: written.item } : written
    } catch (error) {
      if (!(error instanceof StoreError && error.trouble === 'unknown-outcome') || attempt === 3) throw error
      await pause(core, attempt)
    }
  }
}

const encodePartition = ({ topic, topicId, partition, position }: AssignedPartition): Value => ({
  t: topic,
  i: topicId,
  p: partition,
  o: position,
})

function decode(group: string, name: string, item: Item): Instance {
  requireFormat('consumer instance', `${group}/${name}`, item.v, itemFormat)
  const { assigned } = item
  return {
    group,
    name,
    format: item.format === 'json' ? 'json' : 'binary',
    reset: item.reset === 'earliest' ? 'earliest' : 'latest',
    minBytes: Number(item.minBytes),
    timeoutMs: Number(item.timeoutMs),
    emptyCommit: item.emptyCommit === true,
    assigned: Array.isArray(assigned) ? assigned.map(decodePartition) : [],
    rev: String(item.rev),
    usedMs: Number(item.usedMs),
  }
}

/** The value was written by `encodePartition`: `v` says so. */
function decodePartition(value: { readonly [name: string]: Value }): AssignedPartition {
  const { t, i, p, o } = value
  return { topic: String(t), topicId: String(i), partition: Number(p), position: typeof o === 'number' ? o : null }
}
