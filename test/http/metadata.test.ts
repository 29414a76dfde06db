import { describe, expect, test } from 'vitest'
import { failed, makeTopic, newServer, produceJson, v2 } from './kit.ts'

const replica = { leader: 0, replicas: [{ broker: 0, leader: true, in_sync: true }] }

describe('v2 metadata', () => {
  test('the root is an empty object, and there is one broker', async () => {
    const server = newServer()
    expect((await server.call('GET', '/')).json).toEqual({})
    const brokers = await server.call('GET', '/brokers')
    expect(brokers.json).toEqual({ brokers: [0] })
    expect(brokers.headers['content-type']).toBe(v2)
  })

  test('topics are listed by name', async () => {
    const server = newServer()
    expect((await server.call('GET', '/topics')).json).toEqual([])
    for (const name of ['b', 'a']) await makeTopic(server, name)
    expect((await server.call('GET', '/topics')).json).toEqual(['a', 'b'])
  })

  test('a topic shows its configs and partitions', async () => {
    const server = newServer()
    await makeTopic(server, 't', 2, { 'retention.ms': '-1' })
    const { json } = await server.call('GET', '/topics/t')
    const configs = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'max.message.bytes': '1048588' }
    const partitions = [
      { partition: 0, ...replica },
      { partition: 1, ...replica },
    ]
    expect(json).toMatchObject({ name: 't', configs, partitions })
    expect((await server.call('GET', '/topics/t/partitions')).json).toEqual(partitions)
    expect((await server.call('GET', '/topics/t/partitions/1')).json).toEqual(partitions[1])
  })

  test('a partition says where it begins and ends', async () => {
    const server = newServer()
    await makeTopic(server, 't')
    await produceJson(server, '/topics/t', [{ value: 1 }, { value: 2 }])
    const { json } = await server.call('GET', '/topics/t/partitions/0/offsets')
    expect(json).toEqual({ beginning_offset: 0, end_offset: 2 })
  })

  test('a missing topic is 40401 and a missing partition 40402, and asking creates nothing', async () => {
    const server = newServer()
    for (const path of [
      '/topics/no',
      '/topics/no/partitions',
      '/topics/no/partitions/0',
      '/topics/no/partitions/0/offsets',
    ]) {
      expect(failed(await server.call('GET', path))).toBe('404 40401')
    }
    expect(failed(await server.call('GET', `/topics/${'x'.repeat(3_000)}`))).toBe('404 40401')
    expect(failed(await server.call('GET', '/topics/no%20name'))).toBe('404 40401')
    expect((await server.call('GET', '/topics')).json).toEqual([])
    await makeTopic(server, 't')
    for (const path of ['/topics/t/partitions/1', '/topics/t/partitions/x/offsets', '/topics/t/partitions/-1']) {
      expect(failed(await server.call('GET', path))).toBe('404 40402')
    }
  })

  test('an answer has the type that was asked for, where it is one of ours', async () => {
    const server = newServer()
    const typeFor = async (accept: string) => (await server.call('GET', '/topics', { accept })).headers['content-type']
    expect(await typeFor('*/*')).toBe(v2)
    expect(await typeFor('application/json')).toBe('application/json')
    expect(await typeFor('application/json;q=0.5, application/vnd.kafka.v2+json; charset=utf-8')).toBe(v2)
    const refused = await server.call('GET', '/topics', { accept: 'text/html' })
    expect(failed(refused)).toBe('406 406')
    expect(refused.headers['content-type']).toBe(v2)
  })
})
