/** One look at one partition: the head against itself, against the index below it, and against its producers. */
import { droppedStamp, type Head, readHead, recordsIn, tailRefs } from '../log/head.ts'
import { headKey, spilledProducersPk, topicKey } from '../log/keys.ts'
import { producerOfAttribute } from '../log/producer-state.ts'
import type { Ref } from '../log/ref.ts'
import { readCompaction } from '../maintenance/compaction-state.ts'
import type { Core } from '../runtime/core.ts'
import { lookAtIndex } from './index-walk.ts'
import { type Look, readable } from './look.ts'
import { lookAtRefs, placed } from './refs.ts'

const rowsAPage = 500
/** Of a producer's packed state. */
const producerBytes = 9

/** @throws StoreError where the store cannot be read; what it holds and should not is a finding. */
export async function lookAtPartition(core: Core, look: Look): Promise<void> {
  const item = await core.items.get(headKey(look.id))
  if (!item) return lookWithoutHead(core, look)
  const head = await readable(look, 'head', async () => readHead(look.id, item))
  const tail = head && (await readable(look, 'tail', async () => tailRefs(head)))
  if (!head || !tail) return
  lookAtHead(look, head, tail)
  const owed = await owedIn(core, look, head)
  const index = await lookAtIndex(core, look, head, tail)
  await lookAtRefs(core, look, placed(tail, head.tailStart, head.start))
  const inTail = placed(tail, head.tailStart, head.retired)
  const bytes = index.bytes + inTail.reduce((sum, { ref }) => sum + ref.length, 0)
  // Compaction is at work, or it is as it was when the walk began.
  const isExact = owed !== undefined && owed === (await owedIn(core, look, head))
  if (isExact && index.isWhole && head.bytes - owed !== bytes) {
    look.find('bytes', `the head counts ${head.bytes - owed} bytes, and its entries have ${bytes}`)
  }
  if (index.runningTimestampMs > head.droppedTimestampMs) {
    look.find(
      'timestamp',
      `the head's greatest dropped timestamp ${head.droppedTimestampMs} is less than the index's ${index.runningTimestampMs}`,
    )
  }
  if (index.runningStamp > droppedStamp(head)) {
    look.find('stamp', `the head has forgotten that the stamp ${index.runningStamp} left its tail`)
  }
  await lookAtProducers(core, look, head)
}

/** By how much compaction has made the log smaller since the head was last told. `undefined`: nobody can tell. */
const owedIn = (core: Core, look: Look, { settlements }: Head): Promise<number | undefined> =>
  readable(look, 'compaction', async () => {
    const { debt } = await readCompaction(core, look.id)
    return debt.number > settlements ? debt.bytes : 0
  })

/** A topic that was deleted since it was listed has none, and should not. */
async function lookWithoutHead(core: Core, look: Look): Promise<void> {
  const now = await core.items.get(topicKey(look.topic.name))
  if (now?.id === look.topic.id) look.find('head', 'it has no head, and can be neither written nor read')
}

function lookAtHead(look: Look, head: Head, tail: readonly Ref[]): void {
  const { start, next, tailStart } = head
  if (start < 0 || start > next) look.find('start', `the log starts at ${start} and ends at ${next}`)
  const end = tailStart + recordsIn(tail)
  if (end !== next) look.find('tail', `the tail goes from ${tailStart} to ${end}, and the log ends at ${next}`)
  for (const [at, ref] of tail.entries()) {
    if (ref.count < 1) look.find(`tail ${at}`, `the tail's ref ${at} has ${ref.count} records`)
  }
}

/**
 * Producers that have left the head: each was seen to stand there when the log ended no further than now. One that is written
 * here and in the head too is of a spill that died in between, or back.
 */
async function lookAtProducers(core: Core, look: Look, head: Head): Promise<void> {
  const pk = spilledProducersPk(look.id)
  for (let after = ''; ; ) {
    const rows = await core.items.query({ pk, from: `${after}\0`, limit: rowsAPage })
    for (const { sk, item } of rows) {
      const producer = Number.parseInt(sk, 36)
      if (Number(item.n) <= head.next) continue
      const says = `producer ${producer} left the head when the log ended at ${Number(item.n)}, and it ends at ${head.next}`
      look.find(`producer ${producer}`, says)
    }
    if (rows.length < rowsAPage) break
    after = rows.at(-1)?.sk ?? after
  }
  for (const [name, packed] of head.producers) {
    if (packed.length === producerBytes) continue
    const says = `the state of producer ${producerOfAttribute(name)} has ${packed.length} bytes`
    look.find(`producer ${name}`, says)
  }
}
