/** LeaveGroup: members say that they go, so that nobody has to find out. */
import { memberKey } from '../log/keys.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { add, all, equals } from '../store/items.ts'
import { removeMember } from './beat.ts'
import { changeGroup, patchGroup, readGroup, settled } from './group.ts'
import { checkGroupId } from './join.ts'
import { look } from './look.ts'
import { type Member, memberIn, slotOf } from './member.ts'
import { opened, seemsComplete } from './round.ts'
import { strangerIs } from './rules.ts'

export type Leaver = {
  /** May be '' where `instanceId` names a static member that an admin removes (KIP-345). */
  readonly memberId: string
  readonly instanceId?: string
}

export type Left = Leaver & { readonly error?: KafkaError }

const atOnce = 16
/** A member that joins again while it leaves: as often as that may happen in one call. */
const attemptsMax = 8

/** Removes members, each alone, and starts a rebalance of the others. @throws KafkaError INVALID_GROUP_ID; StoreError */
export async function leaveGroup(core: Core, group: string, members: readonly Leaver[]): Promise<readonly Left[]> {
  checkGroupId(group)
  const results = await inParallel(atOnce, members, (leaver) => removeOne(core, group, leaver))
  const gone = results.flatMap(({ member }) => (member && member.joins > 0 ? [member] : []))
  if (gone.length > 0) await goOnWithout(core, group, gone)
  return members.map((leaver, at) => {
    const error = results[at]?.error
    return error ? { ...leaver, error } : leaver
  })
}

type Removed = { readonly member?: Member; readonly error?: KafkaError }

async function removeOne(core: Core, group: string, leaver: Leaver): Promise<Removed> {
  const slot = slotOf(leaver)
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const item = slot === '' ? undefined : await settled(core, () => core.items.get(memberKey(group, slot)))
    const member = memberIn(slot, item)
    const byAdmin = member && leaver.memberId === '' && leaver.instanceId !== undefined
    const stranger = byAdmin ? undefined : strangerIs(member, leaver.memberId)
    if (stranger) return { error: new KafkaError(stranger.refuse, stranger.because) }
    if (member && (await removeMember(core, group, member, 'any beat'))) return { member }
  }
  return { error: new KafkaError('REBALANCE_IN_PROGRESS', 'the member joined again while it left') }
}

/** Opens a round of those who stay, or takes the leavers out of the count of one that is open. */
async function goOnWithout(core: Core, name: string, gone: readonly Member[]): Promise<void> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const group = await readGroup(core, name)
    if (group.state === 'empty') return
    const isOpen = group.state === 'preparing'
    const now = core.clock.now()
    const joined = gone.filter(({ joins }) => joins === group.generation + 1).length
    const changed = isOpen
      ? await patchGroup(
          core,
          name,
          [add('expected', -gone.length), add('joined', -joined), add('rev', 1)],
          all(equals('state', 'preparing'), equals('generation', group.generation)),
        )
      : await changeGroup(core, name, group, opened(group, group.members - gone.length, now))
    if (!changed) continue
    if (seemsComplete(changed, now)) await look(core, name)
    return
  }
}
