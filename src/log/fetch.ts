/**
 * Fetching: records in order of offset from several partitions at once. At the end of the log it is one read of the heads, two
 * round trips where the newest refs name blobs, three in cold history, whatever the log's length.
 *
 * A reader never skips: where the index has a hole or a blob is gone, things were moved since the head was read, and the head
 * is read again.
 */
import { KafkaError } from '../protocol/errors.ts'
import { batchesIn, putOffsets } from '../protocol/records/batch.ts'
import type { Core } from '../runtime/core.ts'
import type { Head } from './head.ts'
import { type PartitionId, partitionText } from './keys.ts'
import { passExpired } from './pass-expired.ts'
import { type Piece, readPieces } from './pieces.ts'
import { planRead, readHeads } from './plan.ts'
import { findTopic, requirePartition, type Topic, unknownTopic } from './topics.ts'

/**
 * `offset`: the next one wanted. `maxBytes`: of batches; one batch is returned whatever its size (KIP-74). `leaderEpochMax`: batches
 * carry no greater epoch, for a client must not see one that Metadata has not told.
 */
export type PartitionRequest = {
  readonly topic: Topic
  readonly partition: number
  readonly offset: number
  readonly maxBytes: number
  readonly leaderEpochMax?: number
}

/** Whole RecordBatches with their true offsets, not to be changed; the first may begin before the offset asked for. */
export type FetchedBatches = {
  readonly topic: Topic
  readonly partition: number
  readonly batches: readonly Uint8Array[]
  /** The end of the log: everything before it is durable and readable. */
  readonly highWatermark: number
  readonly logStartOffset: number
}
export type FetchFailure = { readonly topic: Topic; readonly partition: number; readonly error: KafkaError }
export type Fetched = FetchedBatches | FetchFailure

export type FetchRequest = {
  readonly partitions: readonly PartitionRequest[]
  readonly maxBytes: number
  readonly minBytes: number
  readonly maxWaitMs: number
  /** Ends the wait early. */
  readonly signal?: AbortSignal
  readonly room?: Room
}

/** Where the memory for records comes from. */
export type Room = {
  /** Before records are read: how many bytes of them may be, of so many. May wait, but not where some are held already. */
  take(bytes: number): Promise<number>
  /** Since it was cleared less was given than was wanted: waiting for more records is of no use. */
  isShort(): boolean
  /** What was read is not held any more. */
  clear(): void
}

/** Heads are looked at again after this long, growing, while nothing has come; this process's own appends wake at once. */
const firstLookMs = 10
const longestLookMs = 500

/** Returns as soon as `minBytes` are there or any partition has an error, else after `maxWaitMs`. Writes nothing. */
export async function fetch(core: Core, request: FetchRequest): Promise<readonly Fetched[]> {
  const deadlineMs = core.clock.uptime() + request.maxWaitMs
  const keys = request.partitions.map(({ topic, partition }) => partitionText({ topicId: topic.id, partition }))
  for (let look = 0; ; look++) {
    const news = core.memory.wakeups.listen(keys)
    try {
      request.room?.clear()
      const fetched = await fetchNow(core, request)
      const leftMs = deadlineMs - core.clock.uptime()
      if (leftMs <= 0 || request.signal?.aborted || isEnough(fetched, request)) return fetched
      const lookMs = Math.min(leftMs, longestLookMs, firstLookMs * 2 ** look)
      await core.clock.sleep(lookMs, request.signal ? AbortSignal.any([news.signal, request.signal]) : news.signal)
    } finally {
      news.stop()
    }
  }
}

function isEnough(fetched: readonly Fetched[], { minBytes, room }: FetchRequest): boolean {
  if (room?.isShort()) return true
  let bytes = 0
  for (const one of fetched) {
    if ('error' in one) return true
    for (const batch of one.batches) bytes += batch.length
  }
  return bytes >= minBytes
}

/** How often things may move under one read before it gives up and says so. */
const triesMax = 3

async function fetchNow(core: Core, request: FetchRequest): Promise<readonly Fetched[]> {
  let open: Open[] = request.partitions.map((asked, at) => ({ asked, at, tries: 1 }))
  const done: Fetched[] = []
  let bytesLeft = request.maxBytes
  while (open.length > 0) {
    const read = await readOnce(core, open, bytesLeft, request.room)
    const again: Open[] = []
    for (const [place, { asked, at, tries }] of open.entries()) {
      const result = read[place]
      if (result && 'emptyTo' in result) {
        again.push({ asked: { ...asked, offset: result.emptyTo }, at, tries })
      } else if (result && 'moved' in result && tries < triesMax) {
        // Not at the first miss: it may have been rolled.
        if (result.missing && tries > 1) await passExpired(core, asked.topic.name, idOf(asked), result.missing)
        again.push({ asked: { ...asked, topic: result.moved }, at, tries: tries + 1 })
      } else done[at] = result && !('moved' in result) ? result : gone(asked)
    }
    for (const one of done) if (one && 'batches' in one) bytesLeft -= lengthOf(one.batches)
    open = again
  }
  return done
}

const idOf = ({ topic, partition }: PartitionRequest): PartitionId => ({ topicId: topic.id, partition })

const lengthOf = (batches: readonly Uint8Array[]): number => batches.reduce((sum, batch) => sum + batch.length, 0)

const gone = ({ topic, partition }: PartitionRequest): Fetched => ({
  topic,
  partition,
  error: new KafkaError('KAFKA_STORAGE_ERROR', 'the records were moved while they were read: try again'),
})

/**
 * `moved`: to be read again, as the topic that carries the name now; `missing`: for it is not there. `emptyTo`: no record is left
 * before that offset.
 */
type Read = Fetched | { readonly moved: Topic; readonly missing?: Piece | undefined } | { readonly emptyTo: number }

/** A partition not yet read, its place in the answer, and how often it was tried. */
type Open = { readonly asked: PartitionRequest; readonly at: number; readonly tries: number }

/** A read that is known to find something, and where. */
type Planned = { readonly asked: PartitionRequest; readonly head: Head; readonly pieces: readonly Piece[] }

async function readOnce(core: Core, open: readonly Open[], bytesMax: number, room?: Room): Promise<readonly Read[]> {
  const heads = await readHeads(
    core,
    open.map(({ asked }) => idOf(asked)),
  )
  const plans = await Promise.all(open.map((one, at) => plan(core, one, heads[at])))
  const wanted = bytesIn(share(plans, bytesMax))
  const maxBytes = room && wanted > 0 ? Math.min(bytesMax, await room.take(wanted)) : bytesMax
  const shares = share(plans, maxBytes)
  const data = await readPieces(
    core,
    shares.flatMap(({ pieces }) => pieces),
    open.length,
  )
  let from = 0
  return shares.map(({ plan, pieces }) => {
    const bytes = data.slice(from, from + pieces.length)
    from += pieces.length
    return 'pieces' in plan ? toBatches(plan, pieces, bytes, maxBytes) : plan
  })
}

async function plan(core: Core, { asked, tries }: Open, head: Head | undefined): Promise<Read | Planned> {
  const { topic, partition, offset, maxBytes } = asked
  if (!head) return withoutHead(core, asked)
  if (head.configVersion !== topic.configVersion) core.memory.topics.delete(topic.name)
  const error = outOfRange(asked, head)
  if (error) return { topic, partition, error }
  if (offset === head.next) return { asked, head, pieces: [] }
  const pieces = await planRead(core, idOf(asked), head, offset, maxBytes, tries > 1)
  return pieces ? { asked, head, pieces } : { moved: topic }
}

/** What each plan may read: in the order asked, until the budget of the whole request is used, one piece at least. */
function share(plans: readonly (Read | Planned)[], maxBytes: number) {
  let bytesLeft = maxBytes
  let any = false
  return plans.map((plan) => {
    const pieces: Piece[] = []
    for (const piece of 'pieces' in plan ? plan.pieces : []) {
      if (any && piece.length > bytesLeft) break
      any = true
      bytesLeft -= piece.length
      pieces.push(piece)
    }
    return { plan, pieces }
  })
}

const bytesIn = (shares: ReturnType<typeof share>): number =>
  shares.reduce((sum, { pieces }) => pieces.reduce((bytes, { length }) => bytes + length, sum), 0)

function toBatches(
  { asked, head }: Planned,
  pieces: readonly Piece[],
  data: readonly (Uint8Array | undefined)[],
  maxBytes: number,
): Read {
  const whole: { piece: Piece; bytes: Uint8Array }[] = []
  for (const [at, piece] of pieces.entries()) {
    const bytes = data[at]
    // What comes after a gap must wait; a gap at the front has to be read again.
    if (!bytes) break
    whole.push({ piece, bytes })
  }
  if (pieces.length > 0 && whole.length === 0) return { moved: asked.topic, missing: pieces[0] }
  const epoch = Math.min(head.epoch, asked.leaderEpochMax ?? head.epoch)
  const batches = cut(whole, asked.offset, Math.min(asked.maxBytes, maxBytes), epoch)
  const last = whole.at(-1)?.piece
  if (last && batches.length === 0) return { emptyTo: last.end }
  return {
    topic: asked.topic,
    partition: asked.partition,
    batches,
    // The index is read after the head and may know more than it.
    highWatermark: Math.max(head.next, last?.end ?? 0),
    logStartOffset: head.start,
  }
}

/** Batches with their true offsets, from the one that holds `offset` on, until `maxBytes`, at least one. */
function cut(
  whole: readonly { piece: Piece; bytes: Uint8Array }[],
  offset: number,
  maxBytes: number,
  epoch: number,
): Uint8Array[] {
  const batches: Uint8Array[] = []
  let length = 0
  for (const { piece, bytes } of whole) {
    let counted = piece.base
    for (const { at, totalBytes, lastOffsetDelta, baseOffset } of batchesIn(bytes)) {
      const base = 'part' in piece ? baseOffset : counted
      const next = base + lastOffsetDelta + 1
      if (next > offset) {
        if (batches.length > 0 && length + totalBytes > maxBytes) return batches
        // In what was read, which may be kept for others: for them it says the same.
        batches.push(putOffsets(bytes.subarray(at, at + totalBytes), base, epoch))
        length += totalBytes
      }
      counted = next
    }
  }
  return batches
}

function outOfRange({ offset, topic, partition }: PartitionRequest, head: Head): KafkaError | undefined {
  if (offset >= head.start && offset <= head.next) return undefined
  return new KafkaError(
    'OFFSET_OUT_OF_RANGE',
    `offset ${offset} of ${topic.name}-${partition} is out of range: the log holds offsets ${head.start} to ${head.next}`,
  )
}

async function withoutHead(core: Core, { topic, partition }: PartitionRequest): Promise<Read> {
  const now = await findTopic(core, topic.name)
  if (!now || now.id === topic.id) {
    core.memory.topics.delete(topic.name)
    return { topic, partition, error: unknownTopic(topic.name) }
  }
  try {
    requirePartition(now, partition)
    return { moved: now }
  } catch (error) {
    if (error instanceof KafkaError) return { topic: now, partition, error }
    throw error
  }
}
