/** After everything healed: a last append to each partition, then the whole log as one patient reader sees it. */

import { fetch } from '../src/log/fetch.ts'
import { partitionBounds } from '../src/log/offsets.ts'
import { knownTopic } from '../src/log/topics.ts'
import { ask, type Client, note, pause } from './client.ts'
import { sendOne } from './producers.ts'
import { recordsFrom } from './readers.ts'

/** An append may have to wait until clocks have caught up with a stamp that ran ahead. */
const appendTriesMax = 3_000
/** What a healed log does not give at the tenth time it does not have; in between goes what servers remember for some minutes. */
const readTriesMax = 10
const readAgainMs = 60_000

export async function lastLook(client: Client): Promise<void> {
  const { world } = client
  for (let partition = 0; partition < world.partitions; partition++) {
    const appendable = await appends(client, partition)
    let { earliest: logStart, latest: end } = await boundsOf(client, partition)
    let records: { offset: number; value: string }[] = []
    let complete = true
    for (let tries = 0; complete; ) {
      const offset = (records.at(-1)?.offset ?? logStart - 1) + 1
      if (offset >= end) break
      const more = await fetched(client, partition, offset)
      if (more === 'out of range') {
        // Nobody has read this before: the log begins where what is there begins, from now on.
        ;({ earliest: logStart, latest: end } = await boundsOf(client, partition))
        records = []
      } else records.push(...more)
      tries = more.length > 0 && more !== 'out of range' ? 0 : tries + 1
      if (tries > 0) await pause(world.time, readAgainMs)
      complete = tries < readTriesMax
    }
    note(client, { kind: 'final', records, logStart, end, complete, appendable, topicId: world.topicId, partition })
  }
}

async function boundsOf(client: Client, partition: number) {
  const bounds = await ask(client, async (core) =>
    partitionBounds(core, await knownTopic(core, client.world.topic), partition),
  )
  if (!('value' in bounds)) throw new Error('the bounds of a healed log cannot be read')
  return bounds.value
}

/** Tries again, but not for ever. */
async function appends(client: Client, partition: number): Promise<boolean> {
  for (let tries = 0; tries < appendTriesMax; tries++) {
    if (await sendOne(client, [partition])) return true
    await pause(client.world.time, 100)
  }
  return false
}

async function fetched(client: Client, partition: number, offset: number) {
  const answer = await ask(client, async (core) => {
    const topic = await knownTopic(core, client.world.topic)
    const maxBytes = 1_000_000
    return fetch(core, { partitions: [{ topic, partition, offset, maxBytes }], maxBytes, minBytes: 1, maxWaitMs: 0 })
  })
  const [one] = 'value' in answer ? answer.value : []
  if (one && 'error' in one && one.error.error === 'OFFSET_OUT_OF_RANGE') return 'out of range'
  return one && 'batches' in one ? recordsFrom(one.batches, offset) : []
}
