import { expect, it } from 'vitest'
import { openDoor } from './kit.ts'

/** Never told: Kafka's own word for it, which clients read as null. */
const untold = -2147483648
/** As Kafka 4.1 tells them where it has no authorizer: a bit for each of `AclOperation`. */
const all = { cluster: 8096, topic: 3576, group: 3400 }

const ask = async (asked: boolean) => {
  const door = await openDoor()
  await door.topic({ name: 't' })
  const client = await door.client()
  const included = { includeTopicAuthorizedOperations: asked, includeClusterAuthorizedOperations: asked }
  const topics = [{ name: 't' }]
  const old = await client.call('metadata', { topics, ...included }, 10)
  const now = await client.call('metadata', { topics, includeTopicAuthorizedOperations: asked })
  const pages = await client.call('describeTopicPartitions', { topics })
  const cluster = await client.call('describeCluster', { includeClusterAuthorizedOperations: asked })
  const { groups } = await client.call('describeGroups', { groups: ['g'], includeAuthorizedOperations: asked }, 5)
  return {
    cluster: [old.clusterAuthorizedOperations, cluster.clusterAuthorizedOperations],
    topic: [old, now].map((one) => one.topics[0]?.topicAuthorizedOperations),
    pages: pages.topics[0]?.topicAuthorizedOperations,
    group: groups[0]?.authorizedOperations,
  }
}

it('are all of them, for those who ask, where nobody is asked who they are', async () => {
  expect(await ask(true)).toEqual({
    cluster: [all.cluster, all.cluster],
    topic: [all.topic, all.topic],
    pages: all.topic,
    group: all.group,
  })
})

it('are not told to those who do not ask', async () => {
  expect(await ask(false)).toEqual({
    cluster: [untold, untold],
    topic: [untold, untold],
    pages: all.topic,
    group: untold,
  })
})
