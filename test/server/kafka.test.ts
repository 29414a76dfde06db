import { afterAll, describe, expect, it } from 'vitest'
import { readResponse } from '../../src/protocol/frame.ts'
import { batchOf, clientAt, fetchFrom, frameOf, produceTo } from '../broker/kit.ts'
import { inFreshFolder, killAll, produce, startMillrace, valuesOf } from './millrace-process.ts'

afterAll(killAll)

const clientOf = ({ kafka }: { readonly kafka: string }) => clientAt(Number(kafka.split(':').at(-1)))

describe('the Kafka port of millrace start', () => {
  it('and the HTTP API show one log, which outlives a stop that cuts waits short', () =>
    inFreshFolder(async (folder) => {
      const first = await startMillrace(['--data', folder])
      expect(await produce(first.url, 'news', [1])).toEqual([0])
      const client = await clientOf(first)
      const { responses } = await client.call('produce', produceTo('news', batchOf(['2'])), 12)
      expect(responses[0]?.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: 1 })
      expect(await valuesOf(first.url, 'news')).toEqual([1, 2])
      // In one piece: when the first is answered the server has the second in hand, which waits.
      const asking = frameOf('metadata', { topics: [] }, 1)
      const waiting = frameOf('fetch', fetchFrom('news', 2, { maxWaitMs: 3_600_000 }), 2, 12)
      client.write(Buffer.concat([asking, waiting]))
      await client.next()
      first.signal('SIGTERM')
      const { value } = readResponse('fetch', 12, await client.next())
      expect(value.responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 2 })
      expect(await first.exited).toMatchObject({ code: 0, err: '' })
      const second = await startMillrace(['--data', folder])
      const { responses: after } = await (await clientOf(second)).call('fetch', fetchFrom('news', 0), 12)
      expect(after[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 2 })
    }))

  it('tells clients to come where it is told to', async () => {
    const millrace = await startMillrace(['--memory', '--advertise', 'kafka.example:19092'])
    const { brokers } = await (await clientOf(millrace)).call('metadata', { topics: [] })
    expect(brokers).toEqual([{ nodeId: 1, host: 'kafka.example', port: 19092, rack: null }])
  })
})
