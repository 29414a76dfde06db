import { describe, expect, it } from 'vitest'
import { apis } from '../../src/protocol/apis.ts'
import {
  readRequestBody,
  readRequestHeader,
  readResponse,
  requestFrame,
  responseFrame,
} from '../../src/protocol/frame.ts'

const header = { correlationId: 7, clientId: 'größe' }

/** Without its length, which must be right. */
function unframed(parts: readonly Uint8Array[]): Buffer {
  const frame = Buffer.concat(parts)
  expect(frame.readInt32BE(0)).toBe(frame.length - 4)
  return frame.subarray(4)
}

describe('a request', () => {
  it('is known by its header, then read as one of its API', () => {
    for (const version of [0, 4]) {
      const request = readRequestHeader(unframed(requestFrame('heartbeat', version, header, heartbeat)))
      expect(request).toMatchObject({ api: 'heartbeat', apiKey: 12, apiVersion: version, ...header })
      expect(readRequestBody('heartbeat', request)).toEqual({ ...heartbeat, groupInstanceId: null })
    }
  })

  it('of an API we do not know says so much', () => {
    const frame = Buffer.from('00ff0001' + '00000009ffff', 'hex')
    expect(readRequestHeader(frame)).toMatchObject({ api: undefined, apiKey: 255, apiVersion: 1 })
  })

  it('of a version we do not know can still be answered, but not read', () => {
    const frame = unframed(
      requestFrame('apiVersions', 4, header, { clientSoftwareName: 'x', clientSoftwareVersion: '1' }),
    )
    frame.writeInt16BE(99, 2)
    const request = readRequestHeader(frame)
    expect(request).toMatchObject({ api: 'apiVersions', apiVersion: 99, ...header })
    expect(() => readRequestBody('apiVersions', request)).toThrow(
      expect.objectContaining({ error: 'UNSUPPORTED_VERSION' }),
    )
  })

  it('with bytes after its end is read without them, as librdkafka needs it; one that is cut off is refused', () => {
    const frame = unframed(requestFrame('heartbeat', 4, header, heartbeat))
    const read = (bytes: Buffer) => () => readRequestBody('heartbeat', readRequestHeader(bytes))
    const refused = expect.objectContaining({ error: 'INVALID_REQUEST' })
    expect(read(Buffer.concat([frame, Buffer.from([1, 0, 0])]))()).toEqual(read(frame)())
    for (let length = 0; length < frame.length; length++) expect(read(frame.subarray(0, length))).toThrow(refused)
  })
})

describe('an answer', () => {
  it('carries the number of its request', () => {
    for (const version of [0, 4]) {
      const frame = unframed(responseFrame('heartbeat', version, 9, { throttleTimeMs: 3, errorCode: 27 }))
      expect(readResponse('heartbeat', version, frame)).toEqual({
        correlationId: 9,
        value: { throttleTimeMs: version === 0 ? 0 : 3, errorCode: 27 },
      })
    }
  })

  it('sends large records as they lie, without a copy', () => {
    const large = Buffer.alloc(100_000, 1)
    const partition = (partitionIndex: number, records: Buffer | null) => ({
      partitionIndex,
      errorCode: 0,
      highWatermark: 5,
      abortedTransactions: null,
      records,
    })
    const partitions = [
      partition(0, large),
      partition(1, null),
      partition(2, Buffer.from('small')),
      partition(3, large),
    ]
    for (const version of [4, 17]) {
      const parts = responseFrame('fetch', version, 9, { responses: [{ partitions }] })
      expect(parts.filter((part) => part === large)).toHaveLength(2)
      const { value } = readResponse('fetch', version, unframed(parts))
      expect(value.responses[0]?.partitions).toMatchObject(partitions)
    }
  })

  it('holds records given in parts as one, the large ones as they lie', () => {
    const parts = [Buffer.from('first '), Buffer.alloc(100_000, 2), Buffer.from('last')]
    const answer = (records: Buffer | readonly Buffer[]) => ({
      responses: [
        { partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 5, abortedTransactions: null, records }] },
      ],
    })
    for (const version of [4, 17]) {
      const frame = responseFrame('fetch', version, 9, answer(parts))
      expect(frame).toContain(parts[1])
      expect(unframed(frame)).toEqual(unframed(responseFrame('fetch', version, 9, answer(Buffer.concat(parts)))))
    }
  })

  it('of ApiVersions has the oldest header in every version: its client knows nothing yet', () => {
    const value = { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] }
    expect(Buffer.concat(responseFrame('apiVersions', 3, 9, value)).toString('hex')).toBe(
      '00000013' + '00000009' + '0023' + '02' + '0012' + '0000' + '0004' + '00' + '00000000' + '00',
    )
    expect(Buffer.concat(responseFrame('heartbeat', 4, 9, { errorCode: 0 })).toString('hex')).toBe(
      '0000000c' + '00000009' + '00' + '00000000' + '0000' + '00',
    )
  })
})

describe('the table of APIs', () => {
  it('has requests and answers of the same versions', () => {
    for (const { request, response, versions } of Object.values(apis)) {
      expect(response.versions).toEqual(request.versions)
      expect(response.firstFlexible).toBe(request.firstFlexible)
      expect(versions[1]).toBeLessThanOrEqual(request.versions[1])
    }
  })
})

const heartbeat = { groupId: 'g', generationId: 3, memberId: 'm' }
