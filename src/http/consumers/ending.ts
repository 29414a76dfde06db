/** The end of instances: deleted by their client, or idle for too long. */
import { consumersPk } from '../../log/keys.ts'
import { pause } from '../../log/retry.ts'
import type { Core } from '../../runtime/core.ts'
import { noContent } from '../replies.ts'
import type { HttpReply, HttpRequest } from '../request.ts'
import { param } from '../request.ts'
import { autoCommit } from './committing.ts'
import { isIdle, notFound, readInstance, removeInstance } from './instance.ts'
import { readInstanceItem } from './instance-item.ts'
import { leave } from './membership.ts'

const attemptsMax = 10

/** DELETE of an instance: commits what was handed out, if auto commit is on, and leaves the group. What it committed stays. */
export async function remove(core: Core, request: HttpRequest): Promise<HttpReply> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const instance = await readInstance(core, param(request, 'group'), param(request, 'instance'))
    await autoCommit(core, instance)
    if (await removeInstance(core, instance)) {
      await leave(core, instance)
      return noContent
    }
    await pause(core, attempt)
  }
  throw notFound()
}

const instancesAPage = 100

/**
 * Removes a group's instances that nobody has used for their `consumer.instance.timeout.ms`, and lets their members leave, so that
 * their partitions move. Nothing is committed for them: what a silent client was handed and did not commit is read again. Returns
 * how many there were. @throws StoreError
 */
export async function expireInstances(core: Core, group: string): Promise<number> {
  let expired = 0
  let from = {}
  for (;;) {
    const rows = await core.items.query({ pk: consumersPk(group), ...from, limit: instancesAPage })
    for (const { sk, item } of rows) {
      const instance = readInstanceItem(group, sk, item)
      if (!isIdle(core, instance) || !(await removeInstance(core, instance))) continue
      await leave(core, instance)
      expired++
    }
    const last = rows.at(-1)
    if (!last || rows.length < instancesAPage) return expired
    from = { from: `${last.sk}\0` }
  }
}
