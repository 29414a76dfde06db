import { describe, expect, test } from 'vitest'
import { type Call, failed, makeTopic, newServer, twoServers } from './kit.ts'

const type = 'application/json'

describe('v3', () => {
  test('lists and describes the one cluster, the same from every server', async () => {
    const { a, b } = twoServers()
    const list = await a.call('GET', '/v3/clusters')
    const { data, ...rest } = list.json as { data: { cluster_id: string }[] }
    expect(list.headers['content-type']).toBe(type)
    expect(rest).toEqual({
      kind: 'KafkaClusterList',
      metadata: { self: 'https://log.example/v3/clusters', next: null },
    })
    const id = data[0]?.cluster_id
    const self = `https://log.example/v3/clusters/${id}`
    const cluster = await b.call('GET', `/v3/clusters/${id}`)
    expect(cluster.json).toEqual(data[0])
    expect(cluster.json).toEqual({
      kind: 'KafkaCluster',
      metadata: { self, resource_name: `crn:///kafka=${id}` },
      cluster_id: id,
      controller: { related: `${self}/brokers/0` },
      acls: { related: `${self}/acls` },
      brokers: { related: `${self}/brokers` },
      broker_configs: { related: `${self}/broker-configs` },
      consumer_groups: { related: `${self}/consumer-groups` },
      topics: { related: `${self}/topics` },
      partition_reassignments: { related: `${self}/topics/-/partitions/-/reassignment` },
    })
  })

  test('creates, describes, lists and deletes a topic', async () => {
    const { a, b } = twoServers()
    const id = await makeTopic(a, 'z')
    const base = `/v3/clusters/${id}/topics`
    const self = `https://log.example${base}/t`
    const configs = [{ name: 'retention.ms', value: '-1' }]
    const body = { topic_name: 't', partitions_count: 3, replication_factor: 1, configs }
    const made = await a.call('POST', base, { body, type })
    expect(made.status).toBe(201)
    expect(made.headers).toMatchObject({ location: self, 'content-type': type })
    expect(made.json).toEqual({
      kind: 'KafkaTopic',
      metadata: { self, resource_name: `crn:///kafka=${id}/topic=t` },
      cluster_id: id,
      topic_name: 't',
      is_internal: false,
      replication_factor: 3,
      partitions_count: 3,
      partitions: { related: `${self}/partitions` },
      configs: { related: `${self}/configs` },
      partition_reassignments: { related: `${self}/partitions/-/reassignment` },
      authorized_operations: [],
    })
    expect((await b.call('GET', `${base}/t`)).json).toEqual(made.json)
    expect((await b.call('GET', '/topics/t')).json).toMatchObject({ configs: { 'retention.ms': '-1' } })
    const list = (await b.call('GET', base)).json as { data: { topic_name: string }[] }
    expect(list).toMatchObject({ kind: 'KafkaTopicList', metadata: { self: `https://log.example${base}`, next: null } })
    expect(list.data.map(({ topic_name: name }) => name)).toEqual(['t', 'z'])
    expect(await b.call('DELETE', `${base}/t`)).toMatchObject({ status: 204, text: '' })
    expect(failed(await a.call('GET', `${base}/t`))).toBe('404 40403')
    expect(failed(await a.call('DELETE', `${base}/t`))).toBe('404 40403')
  })

  const refused: [what: string, expected: string, call: Call][] = [
    ['a topic that exists', '400 40002', { body: { topic_name: 'there' } }],
    ['an unknown config', '400 40002', { body: { topic_name: 't', configs: [{ name: 'no.such', value: '1' }] } }],
    ['a bad config value', '400 40002', { body: { topic_name: 't', configs: [{ name: 'retention.ms', value: 'x' }] } }],
    ['no partitions', '400 40002', { body: { topic_name: 't', partitions_count: 0 } }],
    ['too many partitions', '400 40002', { body: { topic_name: 't', partitions_count: 100_000 } }],
    ['half a partition', '400 40002', { body: { topic_name: 't', partitions_count: 1.5 } }],
    ['four copies', '400 40002', { body: { topic_name: 't', replication_factor: 4 } }],
    ['a forbidden name', '400 40002', { body: { topic_name: 'a/b' } }],
    ['an endless name', '400 40002', { body: { topic_name: 'a'.repeat(3_000) } }],
    ['no name', '422 422', { body: {} }],
    ['an unknown field', '422 422', { body: { topic_name: 't', more: 1 } }],
    ['bad JSON', '400 400', { body: '{' }],
    ['a body that is not JSON', '415 415', { body: 'a=b', type: 'application/x-www-form-urlencoded' }],
  ]
  test.each(refused)('creating %s is %s and changes nothing', async (_what, expected, call) => {
    const { a, stores } = twoServers()
    const id = await makeTopic(a, 'there')
    const before = stores.writes.length
    const answer = await a.call('POST', `/v3/clusters/${id}/topics`, { type, ...call })
    expect(failed(answer)).toBe(expected)
    expect(answer.headers['content-type']).toBe(type)
    expect(stores.writes.length).toBe(before)
  })

  test('the id of another cluster is 404, another type than JSON 406', async () => {
    const server = newServer()
    await makeTopic(server, 't')
    for (const path of ['', '/topics', '/topics/t']) {
      expect(failed(await server.call('GET', `/v3/clusters/other${path}`))).toBe('404 404')
    }
    expect(failed(await server.call('DELETE', '/v3/clusters/other/topics/t'))).toBe('404 404')
    expect(failed(await server.call('GET', '/v3/clusters', { accept: 'text/html' }))).toBe('406 406')
    expect((await server.call('GET', '/topics')).json).toEqual(['t'])
  })
})
