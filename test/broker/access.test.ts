import { expect, it } from 'vitest'
import { answerFrame } from '../../src/broker/answer-frame.ts'
import { newBroker } from '../../src/broker/broker.ts'
import { oneNode } from '../../src/broker/cluster-view.ts'
import { accessOf } from '../../src/http/access.ts'
import { writeGrants } from '../../src/http/grants.ts'
import { createTopic } from '../../src/log/topics.ts'
import type { ApiName } from '../../src/protocol/apis.ts'
import { readResponse } from '../../src/protocol/frame.ts'
import { newServer } from '../http/kit.ts'
import { batchOf, fetchFrom, frameOf, produceTo, type Request, type Response } from './kit.ts'

const arn = 'arn:aws:sts::123456789012:assumed-role/Reader/session'

/** One frame, by a caller who may write to `out` and read `in` for the group `g`. */
async function grantee() {
  const { core } = newServer()
  for (const name of ['in', 'out', 'secret']) await createTopic(core, { name })
  const grants = { produce: ['out'], consume: [{ group: 'g', topic: 'in' }], admin: false }
  await writeGrants(core, '123456789012/role/reader', 'test', grants)
  const broker = newBroker({ core, view: oneNode('localhost', 9092) })
  const { signal } = new AbortController()
  const peer = { clientHost: '', connectionId: '1', access: accessOf(core, arn), signal, waitMsMax: 0 }
  return async <Name extends ApiName>(name: Name, request: Request<Name>, version: number): Promise<Response<Name>> => {
    const answer = await answerFrame(broker, peer, frameOf(name, request, 1, version).subarray(4))
    return readResponse(name, version, Buffer.concat(answer ?? []).subarray(4)).value
  }
}

it('a caller with grants writes, reads and sees only what they cover', async () => {
  const call = await grantee()
  const produced = async (topic: string) =>
    (await call('produce', produceTo(topic, batchOf(['a'])), 12)).responses[0]?.partitionResponses[0]?.errorCode
  expect([await produced('out'), await produced('in'), await produced('secret')]).toEqual([0, 29, 29])

  const fetched = async (topic: string) =>
    (await call('fetch', fetchFrom(topic, 0), 12)).responses[0]?.partitions[0]?.errorCode
  expect([await fetched('in'), await fetched('out')]).toEqual([0, 29])

  const all = await call('metadata', { topics: null, includeTopicAuthorizedOperations: true }, 12)
  expect(all.topics.map(({ name }) => name)).toEqual(['in', 'out'])
  // Grants are no ACLs.
  expect(all.topics[0]?.topicAuthorizedOperations).toBe(-2147483648)
  const { topics } = await call('metadata', { topics: ['in', 'secret', 'new'].map((name) => ({ name })) }, 12)
  expect(topics.map(({ name, errorCode }) => `${name} ${errorCode}`)).toEqual(['in 0', 'secret 29', 'new 29'])

  const { coordinators } = await call('findCoordinator', { coordinatorKeys: ['g', 'h'] }, 6)
  expect(coordinators.map(({ errorCode }) => errorCode)).toEqual([0, 30])
})

it('a caller with grants joins and commits for its groups, and changes no topics', async () => {
  const call = await grantee()
  const committed = async (groupId: string, name: string) => {
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }]
    const { topics } = await call('offsetCommit', { groupId, memberId: '', topics: [{ name, partitions }] }, 9)
    return topics[0]?.partitions[0]?.errorCode
  }
  expect([await committed('g', 'in'), await committed('g', 'secret'), await committed('h', 'in')]).toEqual([0, 29, 30])
  const fetched = await call('offsetFetch', { groups: ['g', 'h'].map((groupId) => ({ groupId, topics: null })) }, 9)
  expect(fetched.groups.map(({ errorCode, topics }) => [errorCode, topics.map(({ name }) => name)])).toEqual([
    [0, ['in']],
    [30, []],
  ])
  expect((await call('listGroups', {}, 5)).groups.map(({ groupId }) => groupId)).toEqual(['g'])
  const beat = { groupId: 'h', generationId: 1, memberId: 'm' }
  expect((await call('heartbeat', beat, 4)).errorCode).toBe(30)

  const made = { name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  const created = await call('createTopics', { topics: [made] }, 7)
  const deleted = await call('deleteTopics', { topicNames: ['out'], timeoutMs: 1 }, 5)
  const resource = { resourceType: 2, resourceName: 'out', configs: [] }
  const altered = await call('incrementalAlterConfigs', { resources: [resource], validateOnly: false }, 1)
  const groups = await call('deleteGroups', { groupsNames: ['g'] }, 2)
  const errors = [created.topics, deleted.responses, altered.responses, groups.results].map((all) => all[0]?.errorCode)
  expect(errors).toEqual([31, 31, 31, 31])
})

it('a member whose caller cannot wait asks again until its group has formed', async () => {
  const call = await grantee()
  const join = (memberId: string) => {
    const protocols = [{ name: 'range', metadata: new Uint8Array() }]
    const request = { groupId: 'g', sessionTimeoutMs: 30_000, memberId, protocolType: 'consumer', protocols }
    return call('joinGroup', request, 9)
  }
  const first = await join('')
  expect(first.errorCode).toBe(79)
  let joined = await join(first.memberId)
  expect([joined.errorCode, joined.memberId]).toEqual([27, first.memberId])
  while (joined.errorCode === 27) joined = await join(first.memberId)
  expect([joined.errorCode, joined.generationId, joined.leader]).toEqual([0, 1, first.memberId])
})
