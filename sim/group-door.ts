/** By which way members reach their group: the core itself, as a front door without leaders does, or Kafka's port. */
import { type HeartbeatRequest, heartbeat, type LookedAfter, lookAfter } from '../src/groups/heartbeat.ts'
import { type JoinReply, type JoinRequest, joinGroup, MemberIdRequired } from '../src/groups/join.ts'
import { leaveGroup } from '../src/groups/leave.ts'
import { type Committer, commitOffsets, type OffsetCommit } from '../src/groups/offsets.ts'
import { type SyncReply, type SyncRequest, syncGroup } from '../src/groups/sync.ts'
import { type Answer, ask, type Client } from './client.ts'
import { readOnce } from './readers.ts'

type Leaver = { readonly memberId: string; readonly instanceId?: string }

export type GroupDoor = {
  join(
    client: Client,
    request: JoinRequest,
    waitMs: number,
  ): Promise<Answer<{ readonly joined: JoinReply } | { readonly pending: { readonly memberId: string } }>>
  /** With what the group has committed in what the member was given. */
  sync(client: Client, request: SyncRequest, waitMs: number): Promise<Answer<SyncReply | 'pending'>>
  heartbeat(client: Client, request: HeartbeatRequest): Promise<Answer<void>>
  /** Absent where there is no way to look without saying anything. */
  lookAfter?(client: Client, request: HeartbeatRequest): Promise<Answer<LookedAfter>>
  /** Whether it was told that it has left. */
  leave(client: Client, group: string, leaver: Leaver): Promise<boolean>
  commit(client: Client, group: string, entry: OffsetCommit, committer: Committer): Promise<Answer<void>>
  read(client: Client, partition: number, from: number): Promise<number | 'out of range' | undefined>
}

export const coreDoor: GroupDoor = {
  join: (client, request, waitMs) =>
    ask(client, async (core) => {
      try {
        return await joinGroup(core, request, { untilUptimeMs: core.clock.uptime() + waitMs })
      } catch (error) {
        if (error instanceof MemberIdRequired) return { pending: { memberId: error.memberId } }
        throw error
      }
    }),
  sync: (client, request, waitMs) =>
    ask(client, (core) => syncGroup(core, request, { untilUptimeMs: core.clock.uptime() + waitMs })),
  heartbeat: (client, request) => ask(client, (core) => heartbeat(core, request)),
  lookAfter: (client, request) => ask(client, (core) => lookAfter(core, request)),
  async leave(client, group, leaver) {
    const answer = await ask(client, (core) => leaveGroup(core, group, [leaver]))
    const [left] = 'value' in answer ? answer.value : []
    return left !== undefined && !left.error
  },
  commit: (client, group, entry, committer) => ask(client, (core) => commitOffsets(core, group, [entry], committer)),
  read: readOnce,
}
