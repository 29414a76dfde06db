import { expect, test } from 'vitest'
import { appendRef } from '../../src/log/append-ref.ts'
import { newBlobId } from '../../src/log/blob-id.ts'
import type { Ref } from '../../src/log/ref.ts'
import { spill } from '../../src/log/spill.ts'
import { stampAt } from '../../src/log/stamp.ts'
import { createTopic } from '../../src/log/topics.ts'
import { batchOf, freshCore } from './core.ts'

/**
 * Stamps out of order come from writers whose clocks differ and that know nothing of each other. The simulator meets a horizon that
 * sinks once in some fifty seeds (docs/reliability.md); here it is shown step by step.
 */
test('the horizon never sinks, whatever the order of stamps: a late copy finds its own append, after every spill', async () => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders', partitions: 1 })
  const id = { topicId: topic.id, partition: 0 }
  const nowMs = core.clock.now()
  const refAt = (ms: number): Ref => {
    const data = batchOf([`at ${ms} `.padEnd(90, '.')])
    const name = { id: newBlobId(nowMs, core.random), stamp: stampAt(0, nowMs + ms) }
    return { ...name, place: 'inline', position: 0, length: data.length, count: 1, maxTimestampMs: nowMs, data }
  }
  let appended = 0
  const horizons: number[] = []
  // Each leaves the tail with the next, so that marks are forgotten one by one.
  const appendAndSpill = async (ref: Ref) => {
    const verdict = await appendRef(core, id, ref, core.clock.uptime())
    if (verdict.verdict !== 'appended') throw new Error(`${verdict.verdict} after ${appended}`)
    expect(verdict.baseOffset).toBe(appended++)
    await spill(core, id, verdict.head)
    horizons.push(verdict.head.horizon)
  }

  const ahead = refAt(1_000_000)
  await appendAndSpill(ahead)
  for (let at = 1; at <= 6; at++) await appendAndSpill(refAt(at * 1_000))
  for (let at = 1; at <= 20; at++) {
    await appendAndSpill(refAt(1_000_000 + at * 1_000))
    const late = await appendRef(core, id, ahead, core.clock.uptime())
    expect(late).toMatchObject({ verdict: 'appended', baseOffset: 0, head: { next: appended } })
  }
  expect(horizons).toEqual(horizons.toSorted((a, b) => a - b))
  expect(horizons.at(-1)).toBeGreaterThan(ahead.stamp)
})
