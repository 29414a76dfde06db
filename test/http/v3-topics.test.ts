import { describe, expect, test } from 'vitest'
import { type Call, failed, makeTopic, newServer, offsetsOf, produceJson, twoServers } from './kit.ts'

const type = 'application/json'
const origin = 'https://log.example'

describe('partitions', () => {
  test('are listed, described, and tell where they begin and end', async () => {
    const { a, b } = twoServers()
    const id = await makeTopic(a, 't', 2)
    await produceJson(a, '/topics/t/partitions/1', [{ value: 1 }, { value: 2 }])
    const base = `/v3/clusters/${id}/topics/t/partitions`
    const self = `${origin}${base}/1`
    const one = {
      kind: 'KafkaPartition',
      metadata: { self, resource_name: `crn:///kafka=${id}/topic=t/partition=1` },
      cluster_id: id,
      topic_name: 't',
      partition_id: 1,
      leader: { related: `${self}/replicas/0` },
      replicas: { related: `${self}/replicas` },
      reassignment: { related: `${self}/reassignment` },
    }
    expect((await b.call('GET', `${base}/1`)).json).toEqual(one)
    const list = (await b.call('GET', base)).json as { data: unknown[] }
    expect(list).toMatchObject({ kind: 'KafkaPartitionList', metadata: { self: `${origin}${base}`, next: null } })
    expect(list.data).toHaveLength(2)
    expect(list.data[1]).toEqual(one)
    for (const offset of ['earliest', 'latest', 'LATEST']) {
      expect((await b.call('GET', `${base}/1/offset`, { query: { offset } })).json).toMatchObject({
        kind: 'KafkaPartitionWithOffsets',
        partition_id: 1,
        earliest_offset: 0,
        latest_offset: 2,
      })
    }
    expect(failed(await b.call('GET', `${base}/1/offset`, { query: { offset: '5' } }))).toBe('400 40002')
    for (const path of [`${base}/2`, `${base}/x`, `${base}/2/offset`]) {
      expect(failed(await b.call('GET', path))).toBe('404 40402')
    }
    expect(failed(await b.call('GET', base.replace('/t/', '/none/')))).toBe('404 40403')
  })

  test('become more, also when asked twice, and never fewer; every server finds out', async () => {
    const { a, b } = twoServers()
    const id = await makeTopic(a, 't', 2)
    const path = `/v3/clusters/${id}/topics/t`
    await produceJson(b, '/topics/t', [{ key: 'k', value: 1 }])
    for (let time = 0; time < 2; time++) {
      const changed = await a.call('PATCH', path, { body: { partitions_count: 5 }, type })
      expect(changed).toMatchObject({ status: 200, json: { kind: 'KafkaTopic', topic_name: 't', partitions_count: 5 } })
    }
    const offsets = offsetsOf(await produceJson(b, '/topics/t', [{ partition: 4, value: 1 }]))
    expect(offsets).toMatchObject([{ partition: 4, offset: 0 }])
    for (const count of [4, 0, 2.5, 100_000]) {
      expect(failed(await b.call('PATCH', path, { body: { partitions_count: count }, type }))).toBe('400 40002')
    }
    expect(failed(await b.call('PATCH', path, { body: {}, type }))).toBe('422 422')
    expect(failed(await b.call('PATCH', `${path}x`, { body: { partitions_count: 9 }, type }))).toBe('404 40403')
    expect((await b.call('GET', path)).json).toMatchObject({ partitions_count: 5 })
  })

  test('of a keyed produce stay those of its first time when the topic has more', async () => {
    const { a, b } = twoServers()
    const id = await makeTopic(a, 't', 2)
    const records = Array.from({ length: 20 }, (_, at) => ({ key: `k${at}`, value: at }))
    const headers = { 'idempotency-key': 'one' }
    const first = await produceJson(a, '/topics/t', records, headers)
    await a.call('PATCH', `/v3/clusters/${id}/topics/t`, { body: { partitions_count: 7 }, type })
    await b.call('GET', '/topics/t')
    expect(offsetsOf(await produceJson(b, '/topics/t', records, headers))).toEqual(offsetsOf(first))
    expect((await b.call('GET', '/topics/t/partitions/6/offsets')).json).toEqual({ beginning_offset: 0, end_offset: 0 })
  })
})

describe('topic configs', () => {
  test('are listed and described with where their values come from', async () => {
    const { a, b } = twoServers()
    const id = await makeTopic(a, 't', 1, { 'retention.ms': '5' })
    await makeTopic(a, 'u')
    const base = `/v3/clusters/${id}/topics/t/configs`
    const one = {
      kind: 'KafkaTopicConfig',
      metadata: {
        self: `${origin}${base}/retention.ms`,
        resource_name: `crn:///kafka=${id}/topic=t/config=retention.ms`,
      },
      cluster_id: id,
      topic_name: 't',
      name: 'retention.ms',
      value: '5',
      is_default: false,
      is_read_only: false,
      is_sensitive: false,
      source: 'DYNAMIC_TOPIC_CONFIG',
      synonyms: [
        { name: 'retention.ms', value: '5', source: 'DYNAMIC_TOPIC_CONFIG' },
        { name: 'retention.ms', value: '604800000', source: 'DEFAULT_CONFIG' },
      ],
    }
    expect((await b.call('GET', `${base}/retention.ms`)).json).toEqual(one)
    const list = (await b.call('GET', base)).json as { data: { name: string; is_default: boolean }[] }
    expect(list).toMatchObject({ kind: 'KafkaTopicConfigList', metadata: { self: `${origin}${base}`, next: null } })
    expect(list.data).toContainEqual(one)
    expect(list.data.filter((config) => !config.is_default).map(({ name }) => name)).toEqual(['retention.ms'])
    const all = (await b.call('GET', `/v3/clusters/${id}/topics/-/configs`)).json as { data: { topic_name: string }[] }
    expect(new Set(all.data.map(({ topic_name: name }) => name))).toEqual(new Set(['t', 'u']))
    expect(all.data).toHaveLength(2 * list.data.length)
  })

  test('are set, reset, and altered together, also from another server', async () => {
    const { a, b } = twoServers()
    const id = await makeTopic(a, 't')
    const topic = `/v3/clusters/${id}/topics/t`
    const set = () =>
      b.call('GET', '/topics/t').then(({ json }) => (json as { configs: Record<string, string> }).configs)
    const put = await a.call('PUT', `${topic}/configs/retention.ms`, { body: { value: '7' }, type })
    expect(put).toMatchObject({ status: 204, text: '' })
    expect(await set()).toMatchObject({ 'retention.ms': '7' })
    const data = [
      { name: 'retention.ms', operation: 'DELETE' },
      { name: 'segment.ms', value: '9' },
      { name: 'cleanup.policy', operation: 'SET', value: 'compact' },
    ]
    const alter = { body: { data }, type }
    expect(
      (await b.call('POST', `${topic}/configs:alter`, { ...alter, body: { data, validate_only: true } })).status,
    ).toBe(204)
    expect(await set()).toMatchObject({ 'retention.ms': '7' })
    expect(await b.call('POST', `${topic}/configs:alter`, alter)).toMatchObject({ status: 204, text: '' })
    expect(await set()).toMatchObject({ 'retention.ms': '604800000', 'segment.ms': '9', 'cleanup.policy': 'compact' })
    expect((await a.call('DELETE', `${topic}/configs/segment.ms`)).status).toBe(204)
    expect(await set()).toMatchObject({ 'segment.ms': '604800000' })
  })

  const altering = (data: unknown): [string, string, Call] => ['POST', 'configs:alter', { body: { data }, type }]
  const refused: [what: string, expected: string, [method: string, path: string, call: Call]][] = [
    ['an unknown name', '404 404', ['PUT', 'configs/no.such', { body: { value: '1' }, type }]],
    ['resetting an unknown name', '404 404', ['DELETE', 'configs/no.such', {}]],
    ['a bad value', '400 40002', ['PUT', 'configs/retention.ms', { body: { value: 'x' }, type }]],
    ['a value that is no string', '422 422', ['PUT', 'configs/retention.ms', { body: { value: 5 }, type }]],
    [
      'an unknown name among others',
      '400 40002',
      altering([
        { name: 'segment.ms', value: '5' },
        { name: 'no', value: '' },
      ]),
    ],
    [
      'a name twice',
      '400 40002',
      altering([
        { name: 'segment.ms', value: '5' },
        { name: 'segment.ms', value: '6' },
      ]),
    ],
    ['nothing', '422 422', altering([])],
    ['an unknown operation', '422 422', altering([{ name: 'segment.ms', operation: 'ADD', value: '5' }])],
    ['another type', '415 415', ['POST', 'configs:alter', { body: '{}', type: 'text/plain' }]],
    ['another verb', '404 404', ['POST', 'configs:drop', { body: {}, type }]],
  ]
  test.each(refused)('altering %s is %s and changes nothing', async (_what, expected, [method, path, call]) => {
    const { a, stores } = twoServers()
    const id = await makeTopic(a, 't')
    const before = stores.writes.length
    expect(failed(await a.call(method, `/v3/clusters/${id}/topics/t/${path}`, call))).toBe(expected)
    expect(stores.writes.length).toBe(before)
    expect(failed(await a.call(method, `/v3/clusters/other/topics/t/${path}`, call))).toMatch(/^4[012]/)
  })

  test('of a topic that does not exist are 404', async () => {
    const server = newServer()
    const id = await makeTopic(server, 't')
    const base = `/v3/clusters/${id}/topics/none`
    const body = { data: [{ name: 'retention.ms', value: '5' }] }
    expect(failed(await server.call('GET', `${base}/configs`))).toBe('404 40403')
    expect(failed(await server.call('POST', `${base}/configs:alter`, { body, type }))).toBe('404 40403')
  })
})

describe('broker configs', () => {
  test('tell what the operator has set, and cannot be changed', async () => {
    const server = newServer(undefined, { defaultPartitions: 4 })
    const id = await makeTopic(server, 't')
    const base = `/v3/clusters/${id}/broker-configs`
    const list = (await server.call('GET', base)).json as { data: { name: string; is_read_only: boolean }[] }
    expect(list).toMatchObject({ kind: 'KafkaClusterConfigList', metadata: { self: `${origin}${base}`, next: null } })
    expect(list.data.every((config) => config.is_read_only)).toBe(true)
    const one = (await server.call('GET', `${base}/num.partitions`)).json
    expect(list.data).toContainEqual(one)
    expect(one).toMatchObject({
      kind: 'KafkaClusterConfig',
      metadata: { resource_name: `crn:///kafka=${id}/broker-config=num.partitions` },
      config_type: 'BROKER',
      value: '4',
      is_default: false,
      source: 'STATIC_BROKER_CONFIG',
    })
    const call = { body: { value: '1' }, type }
    expect(failed(await server.call('PUT', `${base}/num.partitions`, call))).toBe('400 40002')
    expect(failed(await server.call('DELETE', `${base}/num.partitions`))).toBe('400 40002')
    expect(failed(await server.call('POST', `${base}:alter`, { body: { data: [] }, type }))).toBe('400 40002')
    expect(failed(await server.call('POST', `${base}:drop`, { body: {}, type }))).toBe('404 404')
    expect(failed(await server.call('GET', `${base}/no.such`))).toBe('404 404')
  })
})
