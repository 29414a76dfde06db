import type { Core } from '../../src/runtime/core.ts'
import { virtualTime } from '../groups/time.ts'
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

/** Two servers over the same stores, and a topic. Time passes only while a call of theirs waits, and where a test says so. */
export async function servers(partitions = 2) {
  const { a, b, stores } = twoServers({ groupInitialRebalanceDelayMs: 20 })
  // The stores forget by this machine's clock.
  const { clock, during, pass } = virtualTime(Date.now())
  /** A server whose calls let time pass until they are answered. */
  const over = (core: Core): Server => {
    const server = serverOver(core)
    return { core, call: (...asked) => during(server.call(...asked)) }
  }
  const cluster = await makeTopic(a, 't', partitions)
  return { a: over({ ...a.core, clock }), b: over({ ...b.core, clock }), stores, cluster, clock, pass }
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
