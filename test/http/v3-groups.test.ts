import { describe, expect, it } from 'vitest'
import { joinGroup } from '../../src/groups/join.ts'
import { leaveGroup } from '../../src/groups/leave.ts'
import { commitOffsets } from '../../src/groups/offsets.ts'
import { encodeAssignment, encodeSubscription } from '../../src/groups/protocol.ts'
import { syncGroup } from '../../src/groups/sync.ts'
import { deleteTopic, topicNamed } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { failed, makeTopic, newServer, produceJson, type Server, twoServers } from './kit.ts'

const group = 'my readers'
const path = '/consumer-groups/my%20readers'

/** One static member that owns partitions 0 and 1 of `t`, and has read some of them. */
async function join(core: Core) {
  const waiting = { untilUptimeMs: core.clock.uptime() + 10_000 }
  const joining = await joinGroup(
    core,
    {
      group,
      memberId: '',
      instanceId: 'desk',
      clientId: 'client',
      clientHost: '/10.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: encodeSubscription({ topics: ['t'] }) }],
    },
    waiting,
  )
  if (!('joined' in joining)) throw new Error('nobody else joins')
  const { memberId, generation } = joining.joined
  const assignment = encodeAssignment({ partitions: [{ topic: 't', partitions: [1, 0] }] })
  const who = { group, memberId, instanceId: 'desk', generation }
  await syncGroup(core, { ...who, assignments: [{ memberId, assignment }] }, waiting)
  const { id } = await topicNamed(core, 't')
  const offsets = [1, 0].map((partition) => ({ topicId: id, partition, offset: 1 }))
  await commitOffsets(core, group, offsets, who)
  return { memberId, who }
}

/** Partition 0 has 2 records, partition 1 has 4; partition 2 is nobody's. */
async function world() {
  const { a, b, stores } = twoServers()
  const id = await makeTopic(a, 't', 3)
  for (const [partition, count] of [
    [0, 2],
    [1, 4],
  ] as const) {
    await produceJson(a, `/topics/t/partitions/${partition}`, Array(count).fill({ value: 1 }))
  }
  const { memberId, who } = await join(a.core)
  const base = `/v3/clusters/${id}`
  const self = `https://log.example${base}`
  const get = (below: string, server: Server = b) => server.call('GET', `${base}${below}`)
  return { a, b, stores, id, memberId, who, base, self, get }
}

describe('v3 consumer groups', () => {
  it('are listed and described, the same from every server', async () => {
    const { a, id, self, get } = await world()
    const { id: topicId } = await topicNamed(a.core, 't')
    await commitOffsets(a.core, 'simple', [{ topicId, partition: 2, offset: 0 }])
    const answer = await get(path)
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.json).toEqual({
      kind: 'KafkaConsumerGroup',
      metadata: { self: `${self}${path}`, resource_name: `crn:///kafka=${id}/consumer-group=${group}` },
      cluster_id: id,
      consumer_group_id: group,
      is_simple: false,
      partition_assignor: 'range',
      state: 'STABLE',
      type: 'CLASSIC',
      is_mixed_consumer_group: false,
      coordinator: { related: `${self}/brokers/0` },
      consumers: { related: `${self}${path}/consumers` },
      lag_summary: { related: `${self}${path}/lag-summary` },
    })
    const simple = await get('/consumer-groups/simple', a)
    expect(simple.json).toMatchObject({ is_simple: true, partition_assignor: '', state: 'EMPTY' })
    expect((await get('/consumer-groups')).json).toEqual({
      kind: 'KafkaConsumerGroupList',
      metadata: { self: `${self}/consumer-groups`, next: null },
      data: [answer.json, simple.json],
    })
  })

  it('tell their members', async () => {
    const { id, self, get, memberId } = await world()
    const one = await get(`${path}/consumers/${memberId}`)
    expect(one.json).toEqual({
      kind: 'KafkaConsumer',
      metadata: {
        self: `${self}${path}/consumers/${encodeURIComponent(memberId)}`,
        resource_name: `crn:///kafka=${id}/consumer-group=${group}/consumer=${memberId}`,
      },
      cluster_id: id,
      consumer_group_id: group,
      consumer_id: memberId,
      instance_id: 'desk',
      client_id: 'client',
      assignments: { related: `${self}${path}/consumers/${encodeURIComponent(memberId)}/assignments` },
    })
    expect((await get(`${path}/consumers`)).json).toEqual({
      kind: 'KafkaConsumerList',
      metadata: { self: `${self}${path}/consumers`, next: null },
      data: [one.json],
    })
  })

  it('tell what a member is assigned', async () => {
    const { id, self, get, memberId } = await world()
    const below = `${path}/consumers/${encodeURIComponent(memberId)}/assignments`
    const one = await get(`${below}/t/partitions/1`)
    expect(one.json).toEqual({
      kind: 'KafkaConsumerAssignment',
      metadata: {
        self: `${self}${below}/t/partitions/1`,
        resource_name: `crn:///kafka=${id}/consumer-group=${group}/consumer=${memberId}/assignment=t/partition=1`,
      },
      cluster_id: id,
      consumer_group_id: group,
      consumer_id: memberId,
      topic_name: 't',
      partition_id: 1,
      partition: { related: `${self}/topics/t/partitions/1` },
      lag: { related: `${self}${path}/lags/t/partitions/1` },
    })
    expect((await get(below)).json).toEqual({
      kind: 'KafkaConsumerAssignmentList',
      metadata: { self: `${self}${below}`, next: null },
      data: [(await get(`${below}/t/partitions/0`)).json, one.json],
    })
  })

  it('tell how far behind they are, the farthest first', async () => {
    const { id, self, get, memberId } = await world()
    const one = await get(`${path}/lags/t/partitions/1`)
    expect(one.json).toEqual({
      kind: 'KafkaConsumerLag',
      metadata: {
        self: `${self}${path}/lags/t/partitions/1`,
        resource_name: `crn:///kafka=${id}/consumer-group=${group}/lag=t/partition=1`,
      },
      cluster_id: id,
      consumer_group_id: group,
      topic_name: 't',
      partition_id: 1,
      consumer_id: memberId,
      instance_id: 'desk',
      client_id: 'client',
      current_offset: 1,
      log_end_offset: 4,
      lag: 3,
    })
    expect((await get(`${path}/lags`)).json).toEqual({
      kind: 'KafkaConsumerLagList',
      metadata: { self: `${self}${path}/lags`, next: null },
      data: [one.json, (await get(`${path}/lags/t/partitions/0`)).json],
    })
    expect((await get(`${path}/lag-summary`)).json).toEqual({
      kind: 'KafkaConsumerGroupLagSummary',
      metadata: {
        self: `${self}${path}/lag-summary`,
        resource_name: `crn:///kafka=${id}/consumer-group=${group}/lag-summary`,
      },
      cluster_id: id,
      consumer_group_id: group,
      max_lag_consumer_id: memberId,
      max_lag_instance_id: 'desk',
      max_lag_client_id: 'client',
      max_lag_topic_name: 't',
      max_lag_partition_id: 1,
      max_lag: 3,
      total_lag: 4,
      max_lag_consumer: { related: `${self}${path}/consumers/${encodeURIComponent(memberId)}` },
      max_lag_partition: { related: `${self}/topics/t/partitions/1` },
    })
  })

  it('without members have lags that are nobody’s', async () => {
    const { a, get, memberId, who } = await world()
    await leaveGroup(a.core, group, [{ memberId, instanceId: who.instanceId }])
    expect((await get(path)).json).toMatchObject({ state: 'EMPTY', is_simple: false, partition_assignor: '' })
    expect((await get(`${path}/consumers`)).json).toMatchObject({ data: [] })
    expect((await get(`${path}/lags/t/partitions/1`)).json).toMatchObject({
      consumer_id: '',
      instance_id: null,
      client_id: '',
      lag: 3,
    })
  })

  it('that there are not are 404, and so is all below them', async () => {
    const { get, memberId, a } = await world()
    const below = ['', '/consumers', '/consumers/x', '/consumers/x/assignments', '/lag-summary', '/lags']
    for (const each of below) expect(failed(await get(`/consumer-groups/nobody${each}`))).toBe('404 404')
    const missing = [
      '/consumers/nobody',
      '/consumers/nobody/assignments',
      `/consumers/${memberId}/assignments/t/partitions/2`,
      `/consumers/${memberId}/assignments/t/partitions/x`,
      '/lags/t/partitions/2',
      '/lags/never/partitions/0',
    ]
    for (const each of missing) expect(failed(await get(`${path}${each}`))).toBe('404 404')
    for (const each of ['', `/${encodeURIComponent(group)}`]) {
      expect(failed(await a.call('GET', `/v3/clusters/other/consumer-groups${each}`))).toBe('404 404')
    }
  })

  it('that have committed nothing have no lags to tell', async () => {
    const server = newServer()
    const id = await makeTopic(server, 't', 3)
    await join(server.core)
    await deleteTopic(server.core, 't')
    for (const each of ['lags', 'lag-summary']) {
      expect(failed(await server.call('GET', `/v3/clusters/${id}${path}/${each}`))).toBe('404 404')
    }
    expect((await server.call('GET', `/v3/clusters/${id}/consumer-groups`)).json).toMatchObject({
      data: [{ consumer_group_id: group }],
    })
  })

  it('are told without a write', async () => {
    const { get, stores, memberId } = await world()
    await get('')
    const before = stores.writes.length
    const all = ['', `${path}`, `${path}/consumers/${memberId}/assignments`, `${path}/lags`, `${path}/lag-summary`]
    for (const each of all) expect((await get(each === '' ? '/consumer-groups' : each)).status).toBe(200)
    expect(stores.writes.length).toBe(before)
  })
})
