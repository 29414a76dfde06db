/** A client that hears nothing polls again, while its first poll may still be running elsewhere. */
import { describe, expect, test } from 'vitest'
import type { ItemStore } from '../../src/store/items.ts'
import { earliest, poll, post } from './consumer-kit.ts'
import { at, pollAs, sendTo, servers, subscribed, valuesAs } from './group-kit.ts'
import { type Server, serverOver } from './kit.ts'

/** The same server, whose writes to consumer instances wait until they are let through. */
function held(server: Server) {
  let letThrough = () => {}
  let arrive = () => {}
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const opened = new Promise<void>((resolve) => {
    letThrough = resolve
  })
  const holding = (items: ItemStore): ItemStore => ({
    ...items,
    metered: (meter) => holding(items.metered(meter)),
    async update(key, update) {
      if (key.pk.startsWith('consumer/')) {
        arrive()
        await opened
      }
      return items.update(key, update)
    },
  })
  const { core } = server
  return { server: serverOver({ ...core, items: holding(core.items) }), arrived, letThrough: () => letThrough() }
}

const ways = [
  ['subscribed', '/subscription', { topics: ['t'] }],
  ['assigned', '/assignments', { partitions: [{ topic: 't', partition: 0 }] }],
] as const

describe.each(ways)('of an instance that is %s, a repeated poll', (_what, path, body) => {
  const reading = async () => {
    const all = await servers(1)
    await post(all.a, '/consumers/g', { ...earliest, name: 'i', 'auto.commit.enable': false })
    await post(all.a, `${at('i')}${path}`, body)
    await sendTo(all.a, 0, 'before')
    expect(await valuesAs(all.a, 'i')).toEqual(['before'])
    return all
  }

  test('gets the records again that the first one took while both were running', async () => {
    const { a, b, pass } = await reading()
    const second = held(b)
    await sendTo(a, 0, 1, 2, 3)
    const first = held(a)
    const lost = valuesAs(first.server, 'i', 0)
    await first.arrived
    await pass(5)
    const repeated = valuesAs(second.server, 'i', 0)
    await second.arrived
    first.letThrough()
    expect(await lost).toEqual([1, 2, 3])
    second.letThrough()
    expect(await repeated).toEqual([1, 2, 3])
    await sendTo(a, 0, 4)
    expect(await valuesAs(a, 'i', 0)).toEqual([4])
  })

  test('is not overtaken by a first one that comes late', async () => {
    const { a, b, pass } = await reading()
    await sendTo(a, 0, 1, 2)
    const first = held(a)
    const late = valuesAs(first.server, 'i', 0)
    await first.arrived
    await pass(5)
    expect(await valuesAs(b, 'i', 0, { max_bytes: '1' })).toEqual([1])
    first.letThrough()
    expect(await late).toEqual([])
    expect(await valuesAs(b, 'i', 0)).toEqual([2])
  })

  test('that found nothing looks whether the first one took something meanwhile', async () => {
    const { a, b, pass } = await reading()
    const first = held(a)
    await sendTo(a, 0, 1)
    const lost = valuesAs(first.server, 'i', 0)
    await first.arrived
    await pass(5)
    // The second begins before the first one's hand-out, and sees no record in its whole time.
    const blind = blinded(b)
    const repeated = valuesAs(blind.server, 'i', 20)
    await blind.looked
    first.letThrough()
    expect(await lost).toEqual([1])
    await pass(30)
    blind.lookAgain()
    expect(await repeated).toEqual([1])
  })

  test('after a seek in between begins where that says', async () => {
    const { a, b } = await reading()
    await sendTo(a, 0, 1)
    const first = held(a)
    const lost = valuesAs(first.server, 'i', 0)
    await first.arrived
    await post(b, `${at('i')}/positions/beginning`, { partitions: [{ topic: 't', partition: 0 }] })
    first.letThrough()
    expect(await lost).toEqual(['before', 1])
  })
})

/**
 * The same server, to which a partition seems to end where it ended, until it has read the instance for a second
 * time: which waits until it is told to, however short its own time is.
 */
function blinded(server: Server) {
  const { core } = server
  let reads = 0
  let look = () => {}
  let lookAgain = () => {}
  const looked = new Promise<void>((resolve) => {
    look = resolve
  })
  const opened = new Promise<void>((resolve) => {
    lookAgain = resolve
  })
  const hiding = (items: ItemStore): ItemStore => ({
    ...items,
    metered: (meter) => hiding(items.metered(meter)),
    async get(key) {
      if (key.pk.startsWith('consumer/') && ++reads > 1) await opened
      const item = await items.get(key)
      if (reads > 1 || !item || !key.pk.startsWith('h/')) return item
      look()
      return { ...item, n: 1, t: Array.isArray(item.t) ? item.t.slice(0, 1) : [] }
    },
  })
  return { server: serverOver({ ...core, items: hiding(core.items) }), looked, lookAgain: () => lookAgain() }
}

test('polls of an instance at once leave none of its records out', async () => {
  const { a, b } = await servers(1)
  await subscribed(a, 'i')
  await pollAs(a, 'i', 200)
  const sent = Array.from({ length: 30 }, (_, n) => n)
  await sendTo(a, 0, ...sent)
  const got = new Set<unknown>()
  for (let round = 0; round < 60 && got.size < 30; round++) {
    const answers = await Promise.all(
      [a, b, a].map((server) => poll(server, { timeout: '0', max_bytes: '6' }, at('i'))),
    )
    for (const answer of answers) for (const { value } of answer.json as { value: unknown }[]) got.add(value)
  }
  expect([...got].sort((x, y) => Number(x) - Number(y))).toEqual(sent)
})
