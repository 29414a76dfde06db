/** Key 16, ListGroups v0–5: by state (KIP-518) and by type (KIP-848); all groups are classic ones. */
import { listGroups as list } from '../../groups/describe.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { forGroups } from '../groups.ts'
import type { ApiHandler } from '../handler.ts'

const classic = 'classic'

export const listGroups: ApiHandler<'listGroups'> = {
  async handle({ core, view }, { access }, { statesFilter, typesFilter }) {
    const isWanted = (filter: readonly string[], value: string) =>
      filter.length === 0 || filter.some((wanted) => wanted.toLowerCase() === value.toLowerCase())
    // Not certain what is its own, it must not say that there is nothing.
    if (view.isSure?.() === false)
      throw new KafkaError('COORDINATOR_NOT_AVAILABLE', 'this broker is joining its cluster')
    if (!isWanted(typesFilter, classic)) return { errorCode: 0, groups: [] }
    const listed = (await list(core)).filter(
      ({ group, state }) => isWanted(statesFilter, state) && view.coordinatorOf(group) === view.nodeId,
    )
    const names = listed.map(({ group }) => group)
    const visible = new Set(access ? await access.visibleGroups(names) : names)
    const groups = listed
      .filter(({ group }) => visible.has(group))
      .map(({ group, state, protocolType }) => ({
        groupId: group,
        protocolType,
        groupState: state,
        groupType: classic,
      }))
    return { errorCode: 0, groups }
  },
  failed: (_request, error) => ({ errorCode: forGroups(error).code, groups: [] }),
}
