/** Producers of values that no other record has: plain ones, which send once, and idempotent ones, which send until it is done. */
import { randomUUID } from 'node:crypto'
import { type AppendOutcome, append } from '../../../src/log/append.ts'
import { appendOnce } from '../../../src/log/append-once.ts'
import { encodeBatch } from '../../../src/protocol/records/batch.ts'
import type { Core } from '../../../src/runtime/core.ts'
import { knownOf } from './outcome.ts'
import type { Tell } from './recorder.ts'
import { bytesOf, newValue } from './values.ts'
import type { World } from './workload.ts'

type Portion = { readonly partition: number; readonly values: readonly string[]; readonly records: Uint8Array }

/** A batch for one partition, or, one time in five, for all of them. */
function newPortions({ topic, below }: World, client: string, count: number): Portion[] {
  const first = below(topic.partitions)
  const partitions = below(5) === 0 ? Array.from({ length: topic.partitions }, (_, at) => at) : [first]
  return partitions.map((partition) => {
    const values = Array.from({ length: 1 + below(3) }, (_, at) =>
      newValue(`${client}.${count}.${partition}`, at, below),
    )
    const timestampMs = Date.now()
    const records = encodeBatch(values.map((value) => ({ timestampMs, key: null, value: bytesOf(value), headers: [] })))
    return { partition, values, records }
  })
}

/** Makes one attempt and tells how it ended, for each partition. True where all is done. */
async function attempt(
  world: World,
  tell: Tell,
  portions: readonly Portion[],
  call: () => Promise<readonly AppendOutcome[]>,
): Promise<boolean> {
  const attempts = portions.map(({ partition, values }) => {
    const attempt = world.recorder.newAttempt()
    tell({ kind: 'append-sent', attempt, values, topicId: world.topic.id, partition })
    return attempt
  })
  const failed = (attempt: string, error: unknown) => {
    const { known, error: name } = knownOf(error)
    world.count(`append ${known}: ${name}`)
    tell(known === 'failed' ? { kind: 'append-failed', attempt, error: name } : { kind: 'append-unknown', attempt })
  }
  try {
    const outcomes = await call()
    for (const [at, attempt] of attempts.entries()) {
      const outcome = outcomes[at]
      if (!outcome) throw new Error('a partition has no outcome')
      if ('error' in outcome) failed(attempt, outcome.error)
      else {
        world.count('append acknowledged')
        tell({ kind: 'append-acked', attempt, baseOffset: outcome.baseOffset })
      }
    }
    return outcomes.every((outcome) => !('error' in outcome))
  } catch (error) {
    for (const attempt of attempts) failed(attempt, error)
    return false
  }
}

export async function plainProducer(world: World, client: string, requests: number): Promise<void> {
  const tell = world.recorder.as(client)
  for (let count = 0; count < requests; count++) {
    const portions = newPortions(world, client, count)
    const server = world.anyServer()
    await attempt(world, tell, portions, () => append(server, world.topic, portions))
  }
}

/**
 * Sends each request under its key, to one server after the other, until it is done, and now and then once more; gives a quarter of
 * them up after the first attempt.
 */
export async function idempotentProducer(world: World, client: string, requests: number): Promise<void> {
  const tell = world.recorder.as(client)
  for (let count = 0; count < requests; count++) {
    const portions = newPortions(world, client, count)
    const key = { key: randomUUID(), principal: client, fingerprint: Buffer.from(`${client}.${count}`) }
    const send = (server: Core) => attempt(world, tell, portions, () => appendOnce(server, world.topic, key, portions))
    if ((await send(world.anyServer())) || world.below(4) === 0) continue
    while (!(await send(world.anyServer()))) world.count('sent again under its key')
    if (world.below(3) === 0) await send(world.anyServer())
  }
}
