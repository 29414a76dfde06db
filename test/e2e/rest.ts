/**
 * The first whole path over HTTP: topics, records, positions. Runs against whatever answers: a deployed stack, a local server.
 * `target` is asked once, when the tests run, so that a set-up may make it first.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Answer, Call } from './calls.ts'

const v2 = 'application/vnd.kafka.v2+json'
const jsonRecords = 'application/vnd.kafka.json.v2+json'
const binaryRecords = 'application/vnd.kafka.binary.v2+json'

type Rec = { readonly key: unknown; readonly value: unknown; readonly partition: number; readonly offset: number }
type Offsets = { readonly offsets: readonly { readonly partition: number; readonly offset: number }[] }

/** Answers are JSON of the contract's shapes; each test says which one it expects. */
const bodyOf = <T>(answer: Answer, status = 200): T => {
  expect(answer, answer.text).toMatchObject({ status })
  return answer.body as T
}

export const restSuite = (target: () => Call): void => {
  const name = `e2e-${randomUUID()}`
  let call: Call
  let cluster: string

  const produce = (path: string, records: unknown, type = jsonRecords): Promise<Answer> =>
    call('POST', path, { headers: { 'content-type': type, accept: v2 }, body: { records } })

  beforeAll(async () => {
    call = target()
    const clusters = bodyOf<{ data: { cluster_id: string }[] }>(await call('GET', '/v3/clusters'))
    cluster = `/v3/clusters/${clusters.data[0]?.cluster_id}`
    const topic = { topic_name: name, partitions_count: 3 }
    bodyOf(
      await call('POST', `${cluster}/topics`, { headers: { 'content-type': 'application/json' }, body: topic }),
      201,
    )
  })

  describe('topics', () => {
    it('are described and listed once made', async () => {
      expect(bodyOf(await call('GET', `${cluster}/topics/${name}`))).toMatchObject({
        topic_name: name,
        partitions_count: 3,
      })
      expect(bodyOf(await call('GET', '/topics'))).toContain(name)
      expect(bodyOf<unknown[]>(await call('GET', `/topics/${name}/partitions`))).toHaveLength(3)
      expect(bodyOf(await call('GET', `${cluster}`))).toMatchObject({ kind: 'KafkaCluster' })
    })

    it('are made once', async () => {
      const topic = { topic_name: name, partitions_count: 3 }
      const again = await call('POST', `${cluster}/topics`, {
        headers: { 'content-type': 'application/json' },
        body: topic,
      })
      expect(bodyOf(again, 400)).toMatchObject({ error_code: 40002 })
    })

    it('that are missing are told from a missing partition', async () => {
      const missing = `/topics/missing-${randomUUID()}`
      expect(bodyOf(await call('GET', missing), 404)).toMatchObject({ error_code: 40401 })
      const partition = await call('GET', `/topics/${name}/partitions/7`)
      expect(bodyOf(partition, 404)).toMatchObject({ error_code: 40402 })
    })

    it('get more partitions, other configs, and records by v3', async () => {
      const headers = { 'content-type': 'application/json' }
      const topic = `${cluster}/topics/e2e-v3-${randomUUID()}`
      bodyOf(await call('POST', `${cluster}/topics`, { headers, body: { topic_name: topic.split('/').at(-1) } }), 201)
      const wider = await call('PATCH', topic, { headers, body: { partitions_count: 2 } })
      expect(bodyOf(wider)).toMatchObject({ partitions_count: 2 })
      bodyOf(await call('PUT', `${topic}/configs/segment.ms`, { headers, body: { value: '5' } }), 204)
      const data = [
        { name: 'retention.ms', value: '-1' },
        { name: 'segment.ms', operation: 'DELETE' },
      ]
      bodyOf(await call('POST', `${topic}/configs:alter`, { headers, body: { data } }), 204)
      const configs = bodyOf<{ data: { name: string; is_default: boolean }[] }>(await call('GET', `${topic}/configs`))
      expect(configs.data.flatMap((config) => (config.is_default ? [] : [config.name]))).toEqual(['retention.ms'])
      const record = { partition_id: 1, value: { type: 'STRING', data: 'one' } }
      const report = await call('POST', `${topic}/records`, { headers, body: record })
      expect(bodyOf(report)).toMatchObject({ error_code: 200, partition_id: 1, offset: 0 })
      const entries = [
        { id: 'a', ...record },
        { id: 'b', partition_id: 7 },
      ]
      const batch = await call('POST', `${topic}/records:batch`, { headers, body: { entries } })
      expect(bodyOf(batch, 207)).toMatchObject({ successes: [{ id: 'a', offset: 1 }], failures: [{ id: 'b' }] })
      const offsets = { earliest_offset: 0, latest_offset: 2 }
      expect(bodyOf(await call('GET', `${topic}/partitions/1/offset`))).toMatchObject(offsets)
      bodyOf(await call('DELETE', topic), 204)
    })

    it('and all other calls are described by an OpenAPI document', async () => {
      expect(bodyOf(await call('GET', '/openapi.json'))).toMatchObject({ openapi: '3.1.0' })
    })

    it('are gone once deleted, and their name is free again', async () => {
      const gone = `e2e-gone-${randomUUID()}`
      const headers = { 'content-type': 'application/json' }
      const make = () => call('POST', `${cluster}/topics`, { headers, body: { topic_name: gone, partitions_count: 2 } })
      bodyOf(await make(), 201)
      bodyOf(await produce(`/topics/${gone}/partitions/0`, [{ value: 'old' }]))
      bodyOf(await call('DELETE', `${cluster}/topics/${gone}`), 204)
      bodyOf(await call('GET', `${cluster}/topics/${gone}`), 404)
      bodyOf(await make(), 201)
      const offsets = bodyOf(await call('GET', `/topics/${gone}/partitions/0/offsets`))
      expect(offsets).toEqual({ beginning_offset: 0, end_offset: 0 })
    })
  })

  describe('records', () => {
    const read = async (partition: number, offset: number, accept = jsonRecords): Promise<Rec[]> => {
      const path = `/topics/${name}/partitions/${partition}/records?offset=${offset}&timeout=1000&max_bytes=10000000`
      return bodyOf<Rec[]>(await call('GET', path, { headers: { accept } }))
    }

    it('of JSON come back by offset as they went in', async () => {
      const records = [{ key: 'k', value: { n: 1, deep: [true, null] } }, { value: 0 }, { key: 'gone', value: null }]
      const sent = bodyOf<Offsets>(await produce(`/topics/${name}/partitions/0`, records))
      const first = sent.offsets[0]?.offset ?? -1
      expect(sent.offsets.map(({ offset }) => offset)).toEqual([first, first + 1, first + 2])
      const back = (await read(0, first)).slice(0, 3)
      expect(back.map(({ key, value }) => ({ key, value }))).toEqual([
        { key: 'k', value: { n: 1, deep: [true, null] } },
        { key: null, value: 0 },
        { key: 'gone', value: null },
      ])
    })

    // One for each way to keep them: inside the ref, as a blob item, as an object in S3.
    for (const bytes of [40, 3_000, 300_000])
      it(`of ${bytes} bytes come back bit for bit`, async () => {
        const value = randomBytes(bytes).toString('base64')
        const sent = bodyOf<Offsets>(await produce(`/topics/${name}/partitions/1`, [{ value }], binaryRecords))
        const offset = sent.offsets[0]?.offset ?? -1
        const [record] = await read(1, offset, binaryRecords)
        expect(record).toMatchObject({ offset, value })
      })

    it('with one key keep to one partition', async () => {
      const records = Array.from({ length: 20 }, (_, n) => ({ key: 'same', value: n }))
      const sent = bodyOf<Offsets>(await produce(`/topics/${name}`, records))
      expect(new Set(sent.offsets.map(({ partition }) => partition)).size).toBe(1)
    })

    it('sent in hundreds of calls stand once each, without a gap', async () => {
      const path = `/topics/${name}/partitions/2`
      const first = bodyOf<{ end_offset: number }>(await call('GET', `${path}/offsets`)).end_offset
      const send = async (writer: number): Promise<number[]> => {
        const offsets: number[] = []
        for (let n = 0; n < 25; n++) {
          const sent = bodyOf<Offsets>(await produce(path, [{ value: { writer, n } }]))
          offsets.push(...sent.offsets.map(({ offset }) => offset))
        }
        return offsets
      }
      const offsets = (await Promise.all(Array.from({ length: 8 }, (_, writer) => send(writer)))).flat()
      expect(offsets.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => first + n))
      const seen: Rec[] = []
      while (seen.length < 200) {
        const next = await read(2, first + seen.length)
        expect(next.length).toBeGreaterThan(0)
        seen.push(...next)
      }
      expect(new Set(seen.slice(0, 200).map(({ value }) => JSON.stringify(value))).size).toBe(200)
    })

    it('to a missing topic create it, where the server is told to', async () => {
      const topic = `e2e-auto-${randomUUID()}`
      const sent = bodyOf<Offsets>(await produce(`/topics/${topic}`, [{ value: 'first' }]))
      expect(sent.offsets).toMatchObject([{ partition: 0, offset: 0 }])
    })

    it('sent twice under one Idempotency-Key are appended once', async () => {
      const path = `/topics/${name}/partitions/0`
      const headers = { 'content-type': jsonRecords, 'idempotency-key': randomUUID() }
      const send = () => call('POST', path, { headers, body: { records: [{ value: 'once' }] } })
      const [one, two] = [bodyOf<Offsets>(await send()), bodyOf<Offsets>(await send())]
      expect(two).toEqual(one)
      const { end_offset } = bodyOf<{ end_offset: number }>(await call('GET', `${path}/offsets`))
      expect(end_offset).toBe((one.offsets[0]?.offset ?? -1) + 1)
    })

    it('that are malformed are refused whole', async () => {
      const path = `/topics/${name}/partitions/0`
      bodyOf(await call('POST', path, { headers: { 'content-type': jsonRecords }, body: '{"records":[' }), 400)
      bodyOf(await produce(path, []), 422)
      bodyOf(await produce(path, [{ value: 'x' }], 'text/plain'), 415)
    })
  })

  describe('a consumer instance with an assigned partition', () => {
    const group = `e2e-group-${randomUUID()}`
    const base = `/consumers/${group}/instances/one`
    const headers = { 'content-type': v2 }

    it('reads from its position on, commits, and another one goes on from there', async () => {
      const topic = `e2e-consumed-${randomUUID()}`
      bodyOf(
        await produce(
          `/topics/${topic}`,
          [1, 2, 3, 4].map((value) => ({ value })),
        ),
      )
      const create = (instance: string) => {
        const body = { name: instance, format: 'json', 'auto.offset.reset': 'earliest' }
        return call('POST', `/consumers/${group}`, { headers, body })
      }
      const made = bodyOf<{ base_uri: string }>(await create('one'))
      expect(made.base_uri.endsWith(base)).toBe(true)
      const partitions = [{ topic, partition: 0 }]
      bodyOf(await call('POST', `${base}/assignments`, { headers, body: { partitions } }), 204)
      expect(bodyOf(await call('GET', `${base}/assignments`))).toEqual({ partitions })
      const poll = async (from: string): Promise<readonly unknown[]> => {
        const answer = await call('GET', `${from}/records?timeout=3000`, { headers: { accept: jsonRecords } })
        return bodyOf<Rec[]>(answer).map(({ value }) => value)
      }
      expect(await poll(base)).toEqual([1, 2, 3, 4])
      const offsets = [{ topic, partition: 0, offset: 1 }]
      bodyOf(await call('POST', `${base}/offsets`, { headers, body: { offsets } }))
      const committed = bodyOf(await call('GET', `${base}/offsets?topic=${topic}&partition=0`))
      expect(committed).toEqual({ offsets: [{ topic, partition: 0, offset: 2, metadata: '' }] })

      const other = `/consumers/${group}/instances/two`
      bodyOf(await create('two'))
      bodyOf(await call('POST', `${other}/assignments`, { headers, body: { partitions } }), 204)
      expect(await poll(other)).toEqual([3, 4])

      const seek = { offsets: [{ topic, partition: 0, offset: 3 }] }
      bodyOf(await call('POST', `${base}/positions`, { headers, body: seek }), 204)
      expect(await poll(base)).toEqual([4])
      bodyOf(await call('POST', `${base}/positions/beginning`, { headers, body: { partitions } }), 204)
      expect(await poll(base)).toEqual([1, 2, 3, 4])
      const times = { timestamps: [{ topic, partition: 0, timestamp: '2001-09-09T01:46:40Z' }] }
      bodyOf(await call('POST', `${base}/positions`, { headers, body: times }), 204)
      expect(await poll(base)).toEqual([1, 2, 3, 4])
      bodyOf(await call('POST', `${base}/positions/end`, { headers, body: { partitions } }), 204)

      for (const instance of [base, other]) bodyOf(await call('DELETE', instance), 204)
      expect(bodyOf(await call('DELETE', base), 404)).toMatchObject({ error_code: 40403 })
    })

    // In a ref, in a blob item, in an object: the time of a single record stands only in the bytes themselves.
    for (const bytes of [40, 2_000, 200_000])
      it(`goes to the first record of a time, also inside a request of records of ${bytes} bytes`, async () => {
        const topic = `e2e-times-${randomUUID()}`
        const hour = Date.parse('2024-05-01T00:00:00Z')
        const value = 'v'.repeat(bytes)
        const records = [0, 1, 2].map((n) => ({ key: `${n}`, value, timestamp: hour + n * 3_600_000 }))
        bodyOf(await call('POST', `${cluster}/topics`, topicOf(topic, [{ name: 'retention.ms', value: '-1' }])), 201)
        bodyOf(await produce(`/topics/${topic}/partitions/0`, records))
        const times = `/consumers/${group}/instances/times-${bytes}`
        bodyOf(await call('POST', `/consumers/${group}`, { headers, body: { name: `times-${bytes}`, format: 'json' } }))
        const partitions = [0, 1].map((partition) => ({ topic, partition }))
        bodyOf(await call('POST', `${times}/assignments`, { headers, body: { partitions } }), 204)
        bodyOf(await call('POST', `${times}/positions/beginning`, { headers, body: { partitions } }), 204)
        const timestamps = [{ topic, partition: 0, timestamp: '2024-05-01T00:30:00Z' }]
        bodyOf(await call('POST', `${times}/positions`, { headers, body: { timestamps } }), 204)
        const polled = await call('GET', `${times}/records?timeout=3000`, { headers: { accept: jsonRecords } })
        expect(bodyOf<Rec[]>(polled).map(({ key }) => key)).toEqual(['1', '2'])
        bodyOf(await call('DELETE', times), 204)
      })
  })

  describe('a consumer group', () => {
    const group = `e2e-members-${randomUUID()}`
    const instances = `/consumers/${group}/instances`
    const headers = { 'content-type': v2 }
    const partitions = [0, 1, 2]

    it('shares a topic between two members, moves what one leaves behind, and tells of its members and lag', async () => {
      const topic = `e2e-shared-${randomUUID()}`
      bodyOf(await call('POST', `${cluster}/topics`, topicOf(topic, [], partitions.length)), 201)
      const send = async (value: string) => {
        for (const partition of partitions)
          bodyOf(await produce(`/topics/${topic}/partitions/${partition}`, [{ value }]))
      }
      const join = async (name: string) => {
        const settings = { name, format: 'json', 'auto.offset.reset': 'earliest', 'auto.commit.enable': 'false' }
        bodyOf(await call('POST', `/consumers/${group}`, { headers, body: settings }))
        bodyOf(await call('POST', `${instances}/${name}/subscription`, { headers, body: { topics: [topic] } }), 204)
      }
      const poll = async (name: string): Promise<readonly Rec[]> =>
        bodyOf<Rec[]>(
          await call('GET', `${instances}/${name}/records?timeout=1000`, { headers: { accept: jsonRecords } }),
        )
      /** Polls all of these, side by side, until each partition has been given to one of them. */
      const read = async (names: readonly string[], value: string): Promise<Map<number, string>> => {
        const owners = new Map<number, string>()
        while (owners.size < partitions.length)
          for (const [at, records] of (await Promise.all(names.map(poll))).entries())
            for (const record of records) if (record.value === value) owners.set(record.partition, names[at] ?? '')
        return owners
      }
      const commitAll = async (name: string) => bodyOf(await call('POST', `${instances}/${name}/offsets`, { headers }))

      await join('one')
      await send('first')
      expect([...(await read(['one'], 'first')).values()]).toEqual(['one', 'one', 'one'])
      await commitAll('one')

      await join('two')
      const assigned = async (name: string) =>
        bodyOf<{ partitions: unknown[] }>(await call('GET', `${instances}/${name}/assignments`)).partitions.length
      while ((await assigned('one')) === 3 || (await assigned('two')) === 0) await Promise.all(['one', 'two'].map(poll))
      await send('second')
      const owners = await read(['one', 'two'], 'second')
      expect(new Set(owners.values())).toEqual(new Set(['one', 'two']))
      await commitAll('one')

      const described = `${cluster}/consumer-groups/${group}`
      expect(bodyOf(await call('GET', described))).toMatchObject({ consumer_group_id: group, state: 'STABLE' })
      const groups = bodyOf<{ data: { consumer_group_id: string }[] }>(await call('GET', `${cluster}/consumer-groups`))
      expect(groups.data.map((one) => one.consumer_group_id)).toContain(group)
      const members = bodyOf<{ data: { consumer_id: string }[] }>(await call('GET', `${described}/consumers`))
      expect(members.data).toHaveLength(2)
      const [member] = members.data
      const assignments = `${described}/consumers/${encodeURIComponent(member?.consumer_id ?? '')}/assignments`
      expect(bodyOf<{ data: unknown[] }>(await call('GET', assignments)).data.length).toBeGreaterThan(0)
      const behind = [...owners.values()].filter((owner) => owner === 'two').length
      expect(bodyOf(await call('GET', `${described}/lag-summary`))).toMatchObject({ total_lag: behind, max_lag: 1 })
      expect(bodyOf<{ data: unknown[] }>(await call('GET', `${described}/lags`)).data).toHaveLength(3)

      // What it was given and did not commit is given again, to the other one.
      bodyOf(await call('DELETE', `${instances}/two`), 204)
      const again = new Map<number, unknown>()
      while (again.size < behind) for (const { partition, value } of await poll('one')) again.set(partition, value)
      expect([...again].every(([partition, value]) => owners.get(partition) === 'two' && value === 'second')).toBe(true)
      await send('third')
      expect([...(await read(['one'], 'third')).values()]).toEqual(['one', 'one', 'one'])
      bodyOf(await call('DELETE', `${instances}/one/subscription`), 204)
      bodyOf(await call('DELETE', `${instances}/one`), 204)
      expect(bodyOf(await call('GET', described))).toMatchObject({ state: 'EMPTY' })
    })
  })
}

const topicOf = (topic_name: string, configs: unknown, partitions_count = 2) => ({
  headers: { 'content-type': 'application/json' },
  body: { topic_name, partitions_count, configs },
})
