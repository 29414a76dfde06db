/** Producers: each sends values that nobody else ever sends, in requests of all sizes, and writes down what it was told. */
import type { AppendOutcome } from '../src/log/append.ts'
import { appendOnce, type Idempotency, onceMs } from '../src/log/append-once.ts'
import { knownTopic, topicNamed, unknownTopic } from '../src/log/topics.ts'
import { encodeBatch } from '../src/protocol/records/batch.ts'
import type { Core } from '../src/runtime/core.ts'
import { type Answer, ask, askPunctual, type Client, note, pause, type World } from './client.ts'

type Part = { readonly attempt: string; readonly partition: number; readonly records: Uint8Array }

let attempts = 0
/** Attempts are numbered within a run. */
export const beginAttempts = (): void => {
  attempts = 0
}

export async function produce(client: Client, thinkMs: number): Promise<void> {
  const { world, chance } = client
  while (world.time.now() < world.untilMs) {
    await sendOne(client)
    await pause(world.time, chance.between(0, thinkMs))
  }
}

/** One request to these partitions; true where all of it was acknowledged. */
export async function sendOne(client: Client, partitions = somePartitions(client)): Promise<boolean> {
  const { world } = client
  const parts = newParts(client, partitions)
  const answer = await ask(client, async (core, append) => {
    const [outcomes = []] = await append([await asked(core, world, parts)])
    return outcomes
  })
  return tellAll(client, parts, answer, (outcomes) => outcomes)
}

function tellAll<T>(
  client: Client,
  parts: readonly Part[],
  answer: Answer<T>,
  outcomesIn: (value: T) => readonly AppendOutcome[] | undefined,
): boolean {
  if ('value' in answer) {
    const outcomes = outcomesIn(answer.value)
    return parts.map((part, at) => tell(client, part, outcomes?.[at])).every(Boolean)
  }
  // What fails before the append begins cannot have appended; silence may hide anything.
  for (const { attempt } of parts) {
    if ('error' in answer) note(client, { kind: 'append-failed', attempt, error: answer.error.message })
    else note(client, { kind: 'append-unknown', attempt })
  }
  return false
}

/** One request for two topics, which the client's world and the other one are of. */
export async function sendBoth(client: Client, other: Client): Promise<void> {
  const clients = [client, other]
  const parts = clients.map((one) => newParts(one, somePartitions(one)))
  const answer = await ask(client, async (core, append) =>
    append(await Promise.all(clients.map(({ world }, at) => asked(core, world, parts[at] ?? [])))),
  )
  for (const [at, some] of parts.entries()) tellAll(client, some, answer, (outcomes) => outcomes[at])
}

/** What is sent for a world's topic. @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, also where another bears the name it is sent to by id */
async function asked(core: Core, { topic: name, topicId, byId = false }: World, batches: readonly Part[]) {
  const known = await knownTopic(core, name)
  const topic = byId && known.id !== topicId ? await topicNamed(core, name) : known
  if (byId && topic.id !== topicId) throw unknownTopic(name)
  return { topic, batches, byId }
}

/** Sends under a key until it is acknowledged, wherever it may, for as long as the key holds. */
export async function produceOnce(client: Client, thinkMs: number): Promise<void> {
  const { world, chance } = client
  while (world.time.now() < world.untilMs) {
    const parts = newParts(client, somePartitions(client))
    const key = {
      key: parts.map(({ attempt }) => attempt).join(),
      principal: client.name,
      fingerprint: Uint8Array.of(1),
    }
    const lastTryMs = world.time.now() + onceMs / 2
    for (let done = false; !done; ) {
      const outcomes = (await sendUnder(client, key, parts)).find(isDone) ?? []
      done = outcomes.length > 0
      if (done) for (const [at, part] of parts.entries()) tell(client, part, outcomes[at])
      else if (world.time.now() > lastTryMs) break
      else await pause(world.time, chance.between(10, 2_000))
    }
    for (const { attempt } of parts) {
      if (!world.history.some((event) => event.kind === 'append-acked' && event.attempt === attempt))
        note(client, { kind: 'append-unknown', attempt })
    }
    await pause(world.time, chance.between(0, thinkMs))
  }
}

/** To one server, or hedged: to two at once. */
async function sendUnder(client: Client, key: Idempotency, parts: readonly Part[]) {
  const send = () =>
    askPunctual(client, async (core) => {
      const arrivedUptimeMs = core.clock.uptime()
      return appendOnce(core, await knownTopic(core, client.world.topic), { ...key, arrivedUptimeMs }, parts)
    })
  const answers = await Promise.all(client.chance.happens(0.5) ? [send(), send()] : [send()])
  return answers.map((answer) => ('value' in answer ? answer.value : []))
}

const isDone = (outcomes: readonly AppendOutcome[]): boolean =>
  outcomes.length > 0 && outcomes.every((outcome) => 'baseOffset' in outcome)

function tell(client: Client, { attempt }: Part, outcome: AppendOutcome | undefined): boolean {
  if (!outcome) throw new Error('an append was not answered for one of its partitions')
  if (!('error' in outcome)) {
    note(client, { kind: 'append-acked', attempt, baseOffset: outcome.baseOffset })
    return true
  }
  if (outcome.error.error === 'REQUEST_TIMED_OUT') note(client, { kind: 'append-unknown', attempt })
  else note(client, { kind: 'append-failed', attempt, error: outcome.error.error })
  return false
}

/** One partition as a rule, now and then two. */
function somePartitions({ world, chance }: Client): number[] {
  const first = chance.below(world.partitions)
  return world.partitions > 1 && chance.happens(0.2) ? [first, (first + 1) % world.partitions] : [first]
}

function newParts(client: Client, partitions: readonly number[]): Part[] {
  const { world, chance } = client
  return partitions.map((partition) => {
    const attempt = `a${attempts++}`
    const values = Array.from({ length: 1 + chance.below(world.recordsMax) }, (_, at) => `${attempt}.${at}`)
    const timestampMs = world.time.now()
    const padding = 'x'.repeat(chance.pick(world.paddings))
    const records = encodeBatch(
      values.map((value) => ({ timestampMs, key: Buffer.from(padding), value: Buffer.from(value), headers: [] })),
    )
    note(client, { kind: 'append-sent', attempt, values, timestampMs, topicId: world.topicId, partition })
    return { attempt, partition, records }
  })
}
