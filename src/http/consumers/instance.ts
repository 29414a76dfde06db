/** Making, reading, changing and removing consumer instances. What their item holds: instance-item.ts. */
import { nameGroup } from '../../groups/names.ts'
import { consumerKey } from '../../log/keys.ts'
import { pause } from '../../log/retry.ts'
import type { Core } from '../../runtime/core.ts'
import { StoreError } from '../../store/errors.ts'
import { absent, type Condition, equals, type Key, set, type Update, type Written } from '../../store/items.ts'
import { HttpError } from '../errors.ts'
import { nameBytesMax } from '../limits.ts'
import {
  freshState,
  type Instance,
  type InstanceOptions,
  type InstanceState,
  optionPatches,
  readInstanceItem,
  statePatches,
} from './instance-item.ts'

/**
 * 409 40902 where the name is taken and was used within its `consumer.instance.timeout.ms`. Returns the idle instance whose name
 * this one took over, if any.
 */
export async function createInstance(
  core: Core,
  group: string,
  name: string,
  options: InstanceOptions,
): Promise<Instance | undefined> {
  const make = (condition: Condition) => {
    const rev = newRev(core)
    const nowMs = core.clock.now()
    const used = [set('rev', rev), set('usedMs', nowMs), set('goneMs', nowMs + options.idleMs)]
    const state = { ...freshState, commitMs: nowMs }
    const patches = [...optionPatches(options), ...statePatches(state), ...used]
    return settled(core, consumerKey(group, name), rev, { patches, if: condition })
  }
  // The schedule finds instances by their group's name, and removes those that nobody uses.
  await nameGroup(core, group)
  const made = await make(absent('v'))
  if (made.applied) return undefined
  const taken = made.item && readInstanceItem(group, name, made.item)
  if (taken && isIdle(core, taken) && (await make(equals('rev', taken.rev))).applied) return taken
  throw new HttpError(
    'instanceExists',
    'Consumer with specified consumer ID already exists in the specified consumer group.',
  )
}

/** As Confluent removes an instance unused for 300 s, its name may then be taken again. Until somebody does, it goes on working. */
export const isIdle = (core: Core, { usedMs, idleMs }: Instance): boolean => core.clock.now() > usedMs + idleMs

/** 404 40403 where there is none. */
export async function readInstance(core: Core, group: string, name: string): Promise<Instance> {
  // A path may hold more than a store's key: no instance has such a name.
  if (Buffer.byteLength(group) > nameBytesMax || Buffer.byteLength(name) > nameBytesMax) throw notFound()
  const item = await core.items.get(consumerKey(group, name))
  if (!item) throw notFound()
  return readInstanceItem(group, name, item)
}

/** `false`: it was changed, or has gone, since it was read. */
export async function removeInstance(core: Core, instance: Instance): Promise<boolean> {
  const { applied, item } = await core.items.delete(
    consumerKey(instance.group, instance.name),
    equals('rev', instance.rev),
  )
  return applied || item === undefined
}

export type Saved = { readonly saved: Instance } | { readonly lost: Instance }

/**
 * Changes the instance as it was read. `lost`: another call changed it in between, this is what it is now, and nothing was done.
 * 404 40403 where the instance has gone.
 */
export async function saveInstance(core: Core, instance: Instance, change: Partial<InstanceState>): Promise<Saved> {
  const { group, name } = instance
  const rev = newRev(core)
  const usedMs = core.clock.now()
  const { applied, item } = await settled(core, consumerKey(group, name), rev, {
    patches: [...statePatches(change), set('rev', rev), set('usedMs', usedMs), set('goneMs', usedMs + instance.idleMs)],
    if: equals('rev', instance.rev),
  })
  if (applied) return { saved: { ...instance, ...change, rev, usedMs } }
  if (!item) throw notFound()
  return { lost: readInstanceItem(group, name, item) }
}

/** Reads, changes and saves, again where a rival call came in between. `undefined` from `change`: there is nothing to change. */
export async function changeInstance(
  core: Core,
  group: string,
  name: string,
  change: (instance: Instance) => Promise<Partial<InstanceState> | undefined> | Partial<InstanceState> | undefined,
): Promise<{ readonly before: Instance; readonly after: Instance }> {
  let before = await readInstance(core, group, name)
  for (let attempt = 0; attempt < 10; attempt++) {
    const wanted = await change(before)
    if (!wanted) return { before, after: before }
    const outcome = await saveInstance(core, before, wanted)
    if ('saved' in outcome) return { before, after: outcome.saved }
    before = outcome.lost
    await pause(core, attempt)
  }
  throw new HttpError(
    'throttled',
    'Too many calls changed this consumer instance at once; nothing was changed. Try again.',
  )
}

export const notFound = () => new HttpError('instanceNotFound', 'Consumer instance not found.')

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
