/** After everything healed: a last append to each partition, then the whole log as one patient reader sees it. */

import { fetch } from '../src/log/fetch.ts'
import { partitionBounds } from '../src/log/offsets.ts'
import { knownTopic } from '../src/log/topics.ts'
import { ask, type Client, note, pause } from './client.ts'
import { sendOne } from './producers.ts'
import { recordsFrom } from './readers.ts'

const triesMax = 3_000

export async function lastLook(client: Client): Promise<void> {
  const { world } = client
  for (let partition = 0; partition < world.partitions; partition++) {
    const appendable = await triedUntil(client, () => sendOne(client, [partition]))
    let { earliest: logStart, latest: end } = await boundsOf(client, partition)
    let records: { offset: number; value: string }[] = []
    const complete = await triedUntil(client, async () => {
      const offset = (records.at(-1)?.offset ?? logStart - 1) + 1
      if (offset >= end) return true
      const more = await fetched(client, partition, offset)
      if (more === 'out of range') {
        // Nobody has read this before: the log begins where what is there begins, from now on.
        ;({ earliest: logStart, latest: end } = await boundsOf(client, partition))
        records = []
      } else records.push(...more)
      return false
    })
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

/** Tries again while nothing moves, but not for ever. */
async function triedUntil(client: Client, attempt: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < triesMax; tries++) {
    if (await attempt()) return true
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
