/**
 * Waits of groups that are longer than a call may be: the far end says that the group is not ready, and is asked again, under the
 * member id that it has given. JoinGroup and SyncGroup may be sent again at any time: a member that is counted stays so.
 */
import { readRequestBody, readRequestHeader, requestFrame } from '../protocol/frame.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Asking } from './asking.ts'
import { withoutLength } from './fetch-frames.ts'

/** Between two calls, should the far end not wait at all. */
const pauseMs = 100

/** The answer, without its length; the far end's `not yet` where the client has gone. Rejects with FarEndError. */
export async function joining(
  { ask }: Asking,
  clock: Clock,
  signal: AbortSignal,
  api: 'joinGroup' | 'syncGroup',
  frame: Uint8Array,
): Promise<Buffer | undefined> {
  let asked = frame
  for (;;) {
    const { frame: answer, pending } = await ask(asked, true, signal)
    if (pending === undefined || signal.aborted) return answer
    if (api === 'joinGroup') asked = joinAs(pending, asked)
    await clock.sleep(pauseMs, signal)
  }
}

/** The same request of a member that knows its id. */
function joinAs(memberId: string, frame: Uint8Array): Uint8Array {
  const incoming = readRequestHeader(frame)
  const { apiVersion, correlationId, clientId } = incoming
  const request = readRequestBody('joinGroup', incoming)
  if (request.memberId === memberId) return frame
  return withoutLength(requestFrame('joinGroup', apiVersion, { correlationId, clientId }, { ...request, memberId }))
}
