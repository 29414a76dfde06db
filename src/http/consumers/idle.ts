/** Instances whose clients have gone: nobody deletes them but the schedule. */
import { consumerKey, consumersPk } from '../../log/keys.ts'
import type { Core } from '../../runtime/core.ts'
import { all, compare, equals } from '../../store/items.ts'

const instancesAPage = 200
/** Of instances that do not say when they are gone. */
const defaultIdleMs = 300_000

/** Removes what was unused for its `consumer.instance.timeout.ms`, unless a call uses it in this very moment. @throws StoreError */
export async function removeIdleInstances(
  core: Core,
  group: string,
): Promise<{ readonly removed: number; readonly left: number }> {
  const nowMs = core.clock.now()
  let removed = 0
  let left = 0
  let from: string | undefined
  for (;;) {
    const rows = await core.items.query({ pk: consumersPk(group), ...(from ? { from } : {}), limit: instancesAPage })
    for (const { sk, item } of rows) {
      const goneMs = Number(item.goneMs ?? Number(item.usedMs) + defaultIdleMs)
      // `rev` moves with every write but a mere sign of life, which moves `usedMs`.
      const asSeen = all(equals('rev', String(item.rev)), compare('usedMs', '<=', Number(item.usedMs)))
      if (goneMs < nowMs && (await core.items.delete(consumerKey(group, sk), asSeen)).applied) removed++
      else left++
    }
    if (rows.length < instancesAPage) return { removed, left }
    from = `${rows.at(-1)?.sk}\0`
  }
}
