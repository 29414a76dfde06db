import { earliest, post } from './consumer-kit.ts'
import { jsonType, makeTopic, produceJson, type Server, serverOver, twoServers, v2 } from './kit.ts'

export const at = (name: string, group = 'g') => `/consumers/${group}/instances/${name}`

/** A record as an answer to a poll has it, in one word. */
export type Got = {
  readonly topic: string
  readonly value: unknown
  readonly partition: number
  readonly offset: number
}

export const pollAs = async (server: Server, name: string, timeout = 2_000, more: Record<string, string> = {}) => {
  const query = { timeout: String(timeout), ...more }
  const answer = await server.call('GET', `${at(name)}/records`, { query, accept: jsonType })
  // The cast: this is what the contract says of a 200; for any other the test fails with its text.
  if (answer.status !== 200) throw new Error(answer.text)
  return answer.json as Got[]
}

export const valuesAs = async (server: Server, name: string, timeout = 2_000, more: Record<string, string> = {}) =>
  (await pollAs(server, name, timeout, more)).map(({ value }) => value)

export async function subscribed(
  server: Server,
  name: string,
  options: object = {},
  subscription: object = { topics: ['t'] },
) {
  const made = await post(server, '/consumers/g', { ...earliest, name, ...options })
  if (made.status !== 200) throw new Error(made.text)
  const answer = await post(server, `${at(name)}/subscription`, subscription)
  if (answer.status !== 204) throw new Error(answer.text)
}

export const owned = async (server: Server, name: string) =>
  ((await server.call('GET', `${at(name)}/assignments`)).json as { partitions: { topic: string; partition: number }[] })
    .partitions

export const committed = async (server: Server, name: string, partition = 0, topic = 't') => {
  const body = { partitions: [{ topic, partition }] }
  const answer = await server.call('GET', `${at(name)}/offsets`, { body, type: v2 })
  return (answer.json as { offsets: { offset: number }[] }).offsets[0]?.offset
}

export const sendTo = (server: Server, partition: number, ...sent: unknown[]) =>
  produceJson(
    server,
    `/topics/t/partitions/${partition}`,
    sent.map((value) => ({ value })),
  )

/** Two servers over the same stores, whose clock can be put forward, and a topic. */
export async function servers(partitions = 2) {
  const { a, b, stores } = twoServers({ groupInitialRebalanceDelayMs: 20 })
  let aheadMs = 0
  const late = (server: Server) =>
    serverOver({ ...server.core, clock: { ...server.core.clock, now: () => Date.now() + aheadMs } })
  const cluster = await makeTopic(a, 't', partitions)
  return {
    a: late(a),
    b: late(b),
    stores,
    cluster,
    pass: (ms: number) => {
      aheadMs += ms
    },
  }
}

/** Polls all in turn, until none has anything to join and what they own covers `partitions`, once each. */
export async function settle(members: readonly (readonly [Server, string])[], partitions: number): Promise<Got[]> {
  const got: Got[] = []
  for (let round = 0; round < 30; round++) {
    got.push(...(await Promise.all(members.map(([server, name]) => pollAs(server, name, 500)))).flat())
    const all = (await Promise.all(members.map(([server, name]) => owned(server, name)))).flat()
    const isShared = members.length > partitions || round > 0
    if (isShared && all.length === partitions && new Set(all.map(({ partition }) => partition)).size === partitions) {
      return got
    }
  }
  throw new Error('the group did not settle')
}
