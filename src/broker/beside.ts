/** What a door that runs beside brokers, or after them, has to know of them: the epochs that they told clients of. */
import { emptyView, readView, type View } from '../cluster/view.ts'
import type { ApiName } from '../protocol/apis.ts'
import type { Core } from '../runtime/core.ts'
import type { Memory } from '../runtime/memory.ts'
import { StoreError } from '../store/errors.ts'

/** What tells clients of leaders. Nothing else is worth a look: whoever knows a newer epoch is right (`mayLag`). */
const tellsOfLeaders: ReadonlySet<ApiName | undefined> = new Set<ApiName>(['metadata', 'describeTopicPartitions'])
const lookAgainMs = 5_000

const seen = new WeakMap<Memory, { readonly view: View; readonly atMs: number }>()

/** The cluster's view, some seconds old at most where `api` tells clients of leaders: one small read then, else none. */
export async function viewBeside(core: Core, api: ApiName | undefined): Promise<View> {
  const last = seen.get(core.memory)
  const nowMs = core.clock.uptime()
  if (!tellsOfLeaders.has(api) || (last && nowMs - last.atMs < lookAgainMs)) return last?.view ?? emptyView
  try {
    const view = await readView(core)
    seen.set(core.memory, { view, atMs: nowMs })
    return view
  } catch (error) {
    if (!(error instanceof StoreError && error.retriable)) throw error
    return last?.view ?? emptyView
  }
}
