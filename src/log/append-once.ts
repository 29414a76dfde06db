/**
 * `Idempotency-Key`: the same request sent again within 15 minutes returns the first answer and appends nothing, also from
 * another server and after a crash in the middle.
 *
 *   once item   v format   at when it was begun (ms)   w blob id of the request that wrote it   fp fingerprint of the request
 *               id topic id   n partitions of the topic when it was begun   cv version of its configs then   r<partition> the packed ref that stands for this partition   a the answer, once all is settled
 *
 * Each ref is written here before it is sent to its head, and a rename is a compare-and-set here first: whoever takes the
 * request up again sends the identical refs, which apply at most once. The 15 minutes are checked here, not left to a TTL.
 */
import { createHash } from 'node:crypto'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { absent, equals, type Item, type Patch, remove, set, type Value } from '../store/items.ts'
import { type AppendOutcome, answer, check, firstRefs, type NewBatches, type Ready, renamed } from './append.ts'
import { appendRef } from './append-ref.ts'
import { requireFormat } from './format.ts'
import { onceKey } from './keys.ts'
import { packRef, type Ref, sameBytes, unpackRef } from './ref.ts'
import { untilDeadline } from './retry.ts'
import type { Topic } from './topics.ts'

const onceFormat = 1
/** How long an Idempotency-Key holds. */
export const onceMs = 15 * 60_000
/** When the store may forget the key: long after it has ceased to hold. */
const tidyAfterMs = 86_400_000

export type Idempotency = {
  readonly key: string
  /** Keys of different principals never meet. */
  readonly principal: string
  /** A digest of the request, to tell a repetition from another request under the same key. */
  readonly fingerprint: Uint8Array
  /** When the request came, by the clock's `uptime`, where that was before the call: the key's 15 minutes count from then. */
  readonly arrivedUptimeMs?: number
}

/**
 * What a request appends to a topic of so many partitions. Asked for once or twice, the last time with the number that the request
 * was first placed by: a repetition goes where the first one went, whatever became of the topic since.
 */
export type Placing = (partitions: number) => readonly NewBatches[]

/**
 * As `append`, at most once for each key. All partitions are checked first: an error there leaves the key unused.
 * @throws KafkaError INVALID_REQUEST where the key was used for another request; as `append` for a request that cannot be checked.
 */
export async function appendOnce(
  core: Core,
  topic: Topic,
  idempotency: Idempotency,
  requests: readonly NewBatches[] | Placing,
): Promise<readonly AppendOutcome[]> {
  const { arrivedUptimeMs = core.clock.uptime() } = idempotency
  const deadlineMs = core.clock.uptime() + core.settings.appendTimeoutMs
  const digest = createHash('sha256').update(`${idempotency.principal}\0${idempotency.key}`).digest('base64url')
  const place = typeof requests === 'function' ? requests : () => requests
  const seen = await core.items.get(onceKey(digest))
  // A server may fall asleep anywhere: what counts is when the request came, not when it wakes up. Reckoned backwards, for only
  // the store's answer has set the clock right.
  const arrivedMs = Math.round(core.clock.now() - (core.clock.uptime() - arrivedUptimeMs))
  const found = seen && isLive(seen, arrivedMs) ? seen : undefined
  const begun = found ? [] : await checkAll(core, topic, place(topic.partitions))
  const live = found ?? (await begin(core, topic, digest, idempotency, begun, seen, arrivedMs, deadlineMs))
  requireFormat('idempotency key', onceKey(digest).pk, live.v, onceFormat)
  if (!(live.fp instanceof Uint8Array) || !sameBytes(live.fp, idempotency.fingerprint)) {
    throw new KafkaError('INVALID_REQUEST', 'this Idempotency-Key was used for another request in the last 15 minutes')
  }
  const first = { ...topic, id: String(live.id), partitions: Number(live.n ?? topic.partitions) }
  const sameTopic = first.id === topic.id && first.partitions === topic.partitions
  const placed = found || !sameTopic ? place(first.partitions) : undefined
  const answered = outcomesIn(live)
  if (answered) return answered
  return settle(core, first, digest, live, placed ? await checkAll(core, first, placed) : begun, deadlineMs)
}

const checkAll = (core: Core, topic: Topic, requests: readonly NewBatches[]): Promise<Ready[]> =>
  Promise.all(requests.map((request) => check(core, topic, request)))

const isLive = (item: Item, arrivedMs: number): boolean => arrivedMs - Number(item.at) < onceMs

/** Writes the key's item with a ref for each partition, or finds the one that another caller wrote meanwhile. */
async function begin(
  core: Core,
  topic: Topic,
  digest: string,
  { fingerprint }: Idempotency,
  ready: readonly Ready[],
  expired: Item | undefined,
  arrivedMs: number,
  deadlineMs: number,
): Promise<Item> {
  const refs = await firstRefs(core, topic, ready, deadlineMs)
  if (refs instanceof KafkaError) throw refs
  const fields = new Map<string, Value>([
    ['v', onceFormat],
    ['at', arrivedMs],
    ['w', refs[0]?.id ?? new Uint8Array()],
    ['fp', fingerprint],
    ['id', topic.id],
    ['n', topic.partitions],
    ['cv', topic.configVersion],
    ['ttl', Math.ceil((arrivedMs + tidyAfterMs) / 1_000)],
  ])
  for (const [at, ref] of refs.entries()) fields.set(refName(ready[at]), packRef(ref))
  const stale = Object.keys(expired ?? {}).filter((name) => !fields.has(name))
  const patches: Patch[] = [...[...fields].map(([name, value]) => set(name, value)), ...stale.map(remove)]
  const condition = expired ? equals('at', Number(expired.at)) : absent('v')
  const written = await untilDeadline(core, deadlineMs, () =>
    core.items.update(onceKey(digest), { patches, if: condition }),
  )
  if (written.item) return written.item
  throw new KafkaError('REQUEST_TIMED_OUT', 'the idempotency key changed under this request: try again')
}

const refName = (ready: Ready | undefined): string => `r${ready?.id.partition}`

/** Brings every partition of the key to its end, then keeps the answer. */
async function settle(
  core: Core,
  topic: Topic,
  digest: string,
  item: Item,
  ready: readonly Ready[],
  deadlineMs: number,
): Promise<readonly AppendOutcome[]> {
  const outcomes = await Promise.all(
    ready.map(async (one): Promise<AppendOutcome> => {
      const partition = one.id.partition
      const own = { ...one, id: { topicId: topic.id, partition } }
      try {
        return await settlePartition(core, topic, digest, item, own, deadlineMs)
      } catch (error) {
        if (error instanceof KafkaError) return { partition, error }
        if (error instanceof StoreError && error.retriable) return { partition, error: notSettled(error) }
        throw error
      }
    }),
  )
  if (outcomes.some((outcome) => 'error' in outcome)) return outcomes
  await keep(core, digest, outcomes, deadlineMs)
  return outcomes
}

/** The answer is true whether or not it can be kept: without it, whoever sends the request again settles the same refs. */
async function keep(core: Core, digest: string, outcomes: readonly AppendOutcome[], deadlineMs: number): Promise<void> {
  const kept = { patches: [set('a', outcomes.map(packOutcome))], if: absent('a') }
  try {
    await untilDeadline(core, deadlineMs, () => core.items.update(onceKey(digest), kept))
  } catch (error) {
    if (!(error instanceof StoreError && error.retriable)) throw error
  }
}

const notSettled = (cause: StoreError): KafkaError =>
  new KafkaError('REQUEST_TIMED_OUT', 'the store is in trouble: send the request again under the same key', { cause })

async function settlePartition(
  core: Core,
  topic: Topic,
  digest: string,
  item: Item,
  ready: Ready,
  deadlineMs: number,
): Promise<AppendOutcome> {
  let ref = standing(item, ready)
  for (;;) {
    const verdict = await appendRef(core, ready.id, ref, deadlineMs)
    if (verdict.verdict !== 'too-late') return answer(core, topic, ready.id, ref, verdict)
    if (core.clock.uptime() >= deadlineMs)
      throw new KafkaError('REQUEST_TIMED_OUT', 'the partition is too busy: try again')
    // Only the first refs are known to go by the configs that the item names.
    const next = await renamed(core, topic, ready, verdict.horizon, deadlineMs, false)
    ref = await replace(core, digest, ready, ref, next, deadlineMs)
  }
}

/** A rename holds only if nobody else renamed first; then theirs holds. */
async function replace(
  core: Core,
  digest: string,
  ready: Ready,
  old: Ref,
  next: Ref,
  deadlineMs: number,
): Promise<Ref> {
  const name = refName(ready)
  const update = { patches: [set(name, packRef(next))], if: equals(name, packRef(old)) }
  const written = await untilDeadline(core, deadlineMs, () => core.items.update(onceKey(digest), update))
  return written.item ? standing(written.item, ready) : next
}

function standing(item: Item, ready: Ready): Ref {
  const packed = item[refName(ready)]
  if (packed instanceof Uint8Array) {
    const ref = unpackRef(packed)
    return ref.ttlVersion === undefined ? ref : { ...ref, ttlVersion: Number(item.cv ?? -1) }
  }
  throw new KafkaError('INVALID_REQUEST', 'this Idempotency-Key was used for a request to other partitions')
}

const packOutcome = (outcome: AppendOutcome): Value =>
  'error' in outcome ? [] : [outcome.partition, outcome.baseOffset, outcome.logAppendTimeMs, outcome.logStartOffset]

function outcomesIn({ a }: Item): readonly AppendOutcome[] | undefined {
  if (!Array.isArray(a)) return undefined
  return a.map((fields) => {
    const [partition, baseOffset, logAppendTimeMs, logStartOffset] = Array.isArray(fields) ? fields.map(Number) : []
    return {
      partition: partition ?? -1,
      baseOffset: baseOffset ?? -1,
      logAppendTimeMs: logAppendTimeMs ?? -1,
      logStartOffset: logStartOffset ?? 0,
    }
  })
}
