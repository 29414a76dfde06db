import { expect } from 'vitest'
import { jsonType, makeTopic, produceJson, type Server, twoServers, v2 } from './kit.ts'

export const base = '/consumers/g/instances/i'
export const earliest = { name: 'i', format: 'json', 'auto.offset.reset': 'earliest' }
export const partitions = [{ topic: 't', partition: 0 }]

export const post = (server: Server, path: string, body?: unknown) =>
  server.call('POST', path, body === undefined ? {} : { body, type: v2 })
export const create = (server: Server, body: unknown) => post(server, '/consumers/g', body)
export const poll = (server: Server, query: Record<string, string> = { timeout: '0' }, at = base) =>
  server.call('GET', `${at}/records`, { query, accept: jsonType })
export const values = async (server: Server, query?: Record<string, string>, at = base) =>
  ((await poll(server, query, at)).json as { value: unknown }[]).map(({ value }) => value)
export const send = (server: Server, ...sent: unknown[]) =>
  produceJson(
    server,
    '/topics/t/partitions/0',
    sent.map((value) => ({ value })),
  )

/** Two servers, topic `t`, and an instance with its partition 0 assigned. */
export async function reader(options: object = earliest) {
  const servers = twoServers()
  await makeTopic(servers.a, 't', 2)
  await create(servers.a, options)
  expect((await post(servers.b, `${base}/assignments`, { partitions })).status).toBe(204)
  return servers
}
