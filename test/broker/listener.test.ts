import { setTimeout } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { readResponse } from '../../src/protocol/frame.ts'
import { jsonType } from '../http/kit.ts'
import { batchOf, type Client, fetchFrom, frameOf, newest, openDoor, produceTo, turns, until } from './kit.ts'

const whoAreYou = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
const ask = (client: Client) => client.call('apiVersions', whoAreYou)
const correlationIdOf = (frame: Buffer) => frame.readInt32BE(0)

describe('requests of one connection', () => {
  it('are answered in order, however many are sent at once', async () => {
    const door = await openDoor()
    await door.topic({ name: 't' })
    const client = await door.client()
    const sent = Array.from({ length: 250 }, (_, at) =>
      at % 3 === 0
        ? client.send('apiVersions', whoAreYou)
        : client.send('produce', produceTo('t', batchOf([`${at}`])), 9),
    )
    const answered: number[] = []
    for (const _ of sent) answered.push(correlationIdOf(await client.next()))
    expect(answered).toEqual(sent)
  })

  it('are appended in order', async () => {
    const door = await openDoor()
    await door.topic({ name: 't' })
    const client = await door.client()
    const ids = Array.from({ length: 50 }, (_, at) => client.send('produce', produceTo('t', batchOf([`${at}`])), 9))
    const offsets: number[] = []
    for (const _ of ids) {
      const { value } = readResponse('produce', 9, await client.next())
      offsets.push(value.responses[0]?.partitionResponses[0]?.baseOffset ?? -1)
    }
    expect(offsets).toEqual(ids.map((_, at) => at))
  })

  it('with acks 0 have no answer, and the next one is answered after they are appended', async () => {
    const door = await openDoor()
    await door.topic({ name: 't' })
    const client = await door.client()
    for (let at = 0; at < 3; at++) client.send('produce', produceTo('t', batchOf(['a', 'b']), 0, 0), 9)
    const { topics } = await client.call('listOffsets', {
      replicaId: -1,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    })
    expect(topics[0]?.partitions[0]?.offset).toBe(6)
  })

  it('with acks 0 that fail close the connection, which is the only way to tell', async () => {
    const door = await openDoor({ settings: { autoCreateTopics: false } })
    const client = await door.client()
    client.send('produce', produceTo('missing', batchOf(['a']), 0, 0), 9)
    await client.closed
  })

  it('may come byte by byte', async () => {
    const door = await openDoor()
    const client = await door.client()
    for (const byte of frameOf('apiVersions', whoAreYou, 7)) {
      client.write(Uint8Array.of(byte))
      await turns(1)
    }
    expect(correlationIdOf(await client.next())).toBe(7)
  })

  it('are answered also where the client has said that it sends no more', async () => {
    const door = await openDoor()
    const client = await door.client()
    client.send('apiVersions', whoAreYou)
    client.socket.end()
    expect(correlationIdOf(await client.next())).toBe(1)
    await client.closed
  })
})

describe('what is no request', () => {
  const text = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const body = Buffer.alloc(100)
  const sized = (bytes: number, rest: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(bytes)
    return Buffer.concat([length, rest])
  }
  const cases: [what: string, bytes: Buffer][] = [
    ['HTTP', text],
    ['a negative length', sized(-5, body)],
    ['a length too small for a header', sized(3, body)],
    ['a length beyond the limit, before its bytes have come', sized(100 * 1024 * 1024 + 1, body.subarray(0, 8))],
    ['garbage of a fitting length, before the rest has come', sized(1_000, Buffer.from([0x7f, 0x7f, 0, 0]))],
    ['an API that nobody has', sized(100, Buffer.from([0x7f, 0x7f, 0, 0, ...body.subarray(4)]))],
    ['an API that is not served', sized(100, Buffer.from([0, 4, 0, 0, ...body.subarray(4)]))],
    ['a body that is cut off', sized(14, Buffer.from([0, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 9]))],
  ]
  it.each(cases)('%s closes the connection, and only that', async (_, bytes) => {
    const door = await openDoor()
    const [client, other] = [await door.client(), await door.client()]
    client.write(bytes)
    await client.closed
    expect((await ask(other)).errorCode).toBe(0)
    expect(door.reports).toEqual([])
  })

  it('a version that is not served closes the connection', async () => {
    const door = await openDoor()
    const client = await door.client()
    const frame = frameOf('produce', produceTo('t', batchOf(['a'])), 1, 3)
    frame.writeInt16BE(2, 6)
    client.write(frame)
    await client.closed
  })
})

describe('limits', () => {
  it('a request that is begun and not finished loses its connection', async () => {
    const door = await openDoor({ limits: { stalledMs: 20 } })
    const client = await door.client()
    client.write(frameOf('apiVersions', whoAreYou).subarray(0, 9))
    await client.closed
  })

  it('a request that comes on by a byte now and then loses its connection, also where another is being answered', async () => {
    const door = await openDoor({ limits: { stalledMs: 100 } })
    await door.topic({ name: 't' })
    const [client, reader] = [await door.client(), await door.client()]
    reader.send('fetch', fetchFrom('t', 0, { maxWaitMs: 60_000 }), 12)
    const frame = frameOf('produce', produceTo('t', batchOf(['x'.repeat(5_000)])), 1, 9)
    for (let at = 0; at < frame.length && !(client.socket.closed && reader.socket.closed); at++) {
      for (const { write } of [client, reader]) write(frame.subarray(at, at + 1))
      await setTimeout(10)
    }
    await Promise.all([client.closed, reader.closed])
    await until(() => door.kafka.connections() === 0)
  })

  it('a large request that comes slowly, but comes, is answered', async () => {
    const door = await openDoor({ limits: { stalledMs: 100 } })
    await door.topic({ name: 't' })
    const client = await door.client()
    const frame = frameOf('produce', produceTo('t', batchOf(['x'.repeat(900_000)])), 1, 9)
    // The port’s time passes only here: 120 ms until it is whole, but never 100 without half a megabyte.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      for (let at = 0; at < frame.length; at += 300_000) {
        client.write(frame.subarray(at, at + 300_000))
        await until(() => client.socket.writableLength === 0)
        await turns()
        vi.advanceTimersByTime(40)
      }
      expect(correlationIdOf(await client.next())).toBe(1)
    } finally {
      vi.useRealTimers()
    }
  })

  it('large requests that never come whole leave room for everybody else', async () => {
    const door = await openDoor({ limits: { heldBytesMax: 16 * 1024 * 1024 } })
    const begun = frameOf('apiVersions', whoAreYou).subarray(0, 9)
    begun.writeInt32BE(6 * 1024 * 1024)
    for (let at = 0; at < 5; at++) (await door.client()).write(begun)
    await turns()
    expect((await ask(await door.client())).errorCode).toBe(0)
  })

  it('a connection without requests is closed in the end', async () => {
    const door = await openDoor({ limits: { idleMs: 20 } })
    await (await door.client()).closed
  })

  it('a client that waits for an answer is not idle', async () => {
    // Idle for so long it would be cut off before it has asked, were this machine too busy to send at once.
    const door = await openDoor({ limits: { idleMs: 500, stalledMs: 500 } })
    await door.topic({ name: 't' })
    const client = await door.client()
    const { responses } = await client.call('fetch', fetchFrom('t', 0, { maxWaitMs: 1_500 }), 12)
    expect(responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 0 })
  })

  it('a client that never reads its answers is cut off, others are not', async () => {
    const patient = await openDoor()
    await patient.topic({ name: 't' })
    const writer = await patient.client()
    const large = 'x'.repeat(900_000)
    for (let at = 0; at < 4; at++) await writer.call('produce', produceTo('t', batchOf([large])), 9)
    const door = await openDoor({ http: patient.http, limits: { stalledMs: 50 } })
    const [client, deaf] = [await door.client(), await door.client()]
    deaf.socket.pause()
    for (let at = 0; at < 50; at++) deaf.send('fetch', fetchFrom('t', 0), 12)
    await until(() => door.kafka.connections() === 1)
    expect((await ask(client)).errorCode).toBe(0)
  })

  it('many clients that never read what they fetch cost the others nothing, and no more memory than there is for them', async () => {
    const limits = { stalledMs: 60_000, unsentRecordBytesMax: 4 * 1024 * 1024, unsentBytesMax: 4 * 1024 * 1024 }
    const door = await openDoor({ limits, settings: { cacheBytes: 0 } })
    await door.topic({ name: 't' })
    const client = await door.client()
    for (let at = 0; at < 4; at++) await client.call('produce', produceTo('t', batchOf(['x'.repeat(900_000)])), 9)
    for (let at = 0; at < 30; at++) {
      const deaf = await door.client()
      deaf.socket.pause()
      // More than the system takes for a client that does not read.
      for (let count = 0; count < 20; count++) deaf.send('fetch', fetchFrom('t', 0), 12)
    }
    await setTimeout(300)
    expect((await ask(client)).errorCode).toBe(0)
    await client.call('produce', produceTo('t', batchOf(['a'])), 9)
    expect((await client.call('fetch', fetchFrom('t', 5), 12)).responses[0]?.partitions[0]?.errorCode).toBe(0)
  })

  it('more requests than may be held at once wait until others are answered', async () => {
    const door = await openDoor({ limits: { heldBytesMax: 5_000 } })
    const [first, second] = [await door.client(), await door.client()]
    const half = frameOf('apiVersions', { ...whoAreYou, clientSoftwareName: 'x'.repeat(4_980) })
    first.write(half.subarray(0, 100))
    await turns()
    let answered = false
    const asked = ask(second).then(() => {
      answered = true
    })
    await turns()
    expect(answered).toBe(false)
    first.socket.destroy()
    await asked
  })

  it('a connection is not read while many of its requests wait, and loses none', async () => {
    const door = await openDoor({ limits: { queuedRequestsMax: 2 } })
    await door.topic({ name: 't' })
    const client = await door.client()
    client.send('fetch', fetchFrom('t', 0, { maxWaitMs: 60_000 }), 12)
    for (let at = 0; at < 20; at++) client.send('apiVersions', whoAreYou)
    await turns()
    await (await door.client()).call('produce', produceTo('t', batchOf(['a'])), 9)
    const ids: number[] = []
    for (let at = 0; at < 21; at++) ids.push(correlationIdOf(await client.next()))
    expect(ids).toEqual(Array.from({ length: 21 }, (_, at) => at + 1))
  })
})

describe('a fetch that waits', () => {
  const longMs = 3_600_000

  it('is answered as soon as a Kafka client produces', async () => {
    const door = await openDoor()
    await door.topic({ name: 't' })
    const [reader, writer] = [await door.client(), await door.client()]
    const fetched = reader.call('fetch', fetchFrom('t', 0, { maxWaitMs: longMs }), 12)
    await turns()
    await writer.call('produce', produceTo('t', batchOf(['a'])), 9)
    expect((await fetched).responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(0)
  })

  it('is answered as soon as somebody produces over HTTP', async () => {
    const door = await openDoor()
    await door.topic({ name: 't' })
    const reader = await door.client()
    const fetched = reader.call('fetch', fetchFrom('t', 0, { maxWaitMs: longMs }), 12)
    await turns()
    await door.http.call('POST', '/topics/t', { body: { records: [{ value: 1 }] }, type: jsonType })
    expect((await fetched).responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 1 })
  })

  it('ends when its client has gone', async () => {
    const door = await openDoor()
    await door.topic({ name: 't' })
    const reader = await door.client()
    reader.send('fetch', fetchFrom('t', 0, { maxWaitMs: longMs }), 12)
    await turns()
    reader.socket.destroy()
    await until(() => door.kafka.connections() === 0)
  })
})

describe('a fetch that waits before others', () => {
  it('ends when its client has gone, however many it has sent', async () => {
    const door = await openDoor({ limits: { queuedRequestsMax: 5 } })
    await door.topic({ name: 't' })
    const reader = await door.client()
    for (let at = 0; at < 50; at++) reader.send('fetch', fetchFrom('t', 0, { maxWaitMs: 3_600_000 }), 12)
    await turns()
    reader.socket.destroy()
    await until(() => door.kafka.connections() === 0)
  })
})

describe('a stop', () => {
  it('answers what has come, waits for nothing else, and takes no new connections', async () => {
    const door = await openDoor()
    await door.topic({ name: 't' })
    const [reader, writer] = [await door.client(), await door.client()]
    const fetched = reader.call('fetch', fetchFrom('t', 0, { maxWaitMs: 3_600_000 }), 12)
    const produced = Array.from({ length: 10 }, () => writer.send('produce', produceTo('t', batchOf(['a'])), 9))
    await writer.next()
    const stopped = door.kafka.stop(60_000)
    await expect(door.client()).rejects.toThrow()
    expect((await fetched).responses[0]?.partitions[0]?.errorCode).toBe(0)
    for (const _ of produced.slice(1)) await writer.next()
    await Promise.all([stopped, reader.closed, writer.closed])
  })

  it('does not wait for ever', async () => {
    const door = await openDoor()
    const client = await door.client()
    client.write(frameOf('apiVersions', whoAreYou).subarray(0, 9))
    await Promise.all([door.kafka.stop(0), client.closed])
  })
})

it('an older version is answered in its own form', async () => {
  const client = await (await openDoor()).client()
  for (let version = 0; version <= newest('apiVersions'); version++) {
    const request = version < 3 ? {} : whoAreYou
    expect((await client.call('apiVersions', request, version)).apiKeys.length).toBeGreaterThan(0)
  }
})
