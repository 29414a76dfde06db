import { describe, expect, test } from 'vitest'
import { functionNames, routes } from '../../functions/routes.ts'
import { operations } from '../../src/http/openapi/document.ts'
import { failed, makeTopic, newServer } from './kit.ts'

type Document = {
  openapi: string
  servers: { url: string }[]
  paths: Record<
    string,
    Record<string, { operationId: string; parameters: { name: string; in: string; schema: unknown }[] }>
  >
  components: { schemas: Record<string, unknown> }
}

const fetched = async (headers: Record<string, string> = {}) => {
  const answer = await newServer().call('GET', '/openapi.json', { headers })
  expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
  return { text: answer.text, document: answer.json as Document }
}

describe('the OpenAPI document', () => {
  test('has an entry for every route, and none for what is not served', () => {
    const described = new Set(operations.map(({ route }) => route))
    expect([...described].sort()).toEqual(functionNames.flatMap((name) => [...routes[name]]).sort())
  })

  test('has each call once, with all parameters of its path', async () => {
    const { document } = await fetched()
    const ids: string[] = []
    for (const [path, methods] of Object.entries(document.paths)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      for (const { operationId, parameters } of Object.values(methods)) {
        ids.push(operationId)
        const inPath = parameters.filter((parameter) => parameter.in === 'path')
        expect(inPath.map(({ name }) => name)).toEqual(names)
        expect(inPath.every(({ schema }) => schema !== undefined)).toBe(true)
      }
    }
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.length).toBe(operations.length)
  })

  test('refers to nothing that it does not define, and defines nothing that it does not refer to', async () => {
    const { text, document } = await fetched()
    const referred = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name))
    expect([...referred].sort()).toEqual(Object.keys(document.components.schemas).sort())
  })

  test('names the server as the caller knows it', async () => {
    const { document } = await fetched({ 'x-forwarded-host': 'outer.example', 'x-forwarded-prefix': '/log' })
    expect(document).toMatchObject({ openapi: '3.1.0', servers: [{ url: 'https://outer.example/log' }] })
    expect(failed(await newServer().call('GET', '/openapi.json', { accept: 'text/html' }))).toBe('406 406')
  })
})

test('a group or instance of a name that no store could keep is one that does not exist', async () => {
  const server = newServer()
  const id = await makeTopic(server, 't')
  const long = encodeURIComponent('ñ'.repeat(1_200))
  for (const path of ['', '/lags', '/consumers', `/consumers/${long}`]) {
    expect(failed(await server.call('GET', `/v3/clusters/${id}/consumer-groups/${long}${path}`))).toBe('404 404')
  }
  for (const base of [`/consumers/${long}/instances/i`, `/consumers/g/instances/${long}`]) {
    for (const path of ['records', 'subscription', 'assignments', 'offsets']) {
      expect(failed(await server.call('GET', `${base}/${path}`))).toBe('404 40403')
    }
    expect(failed(await server.call('DELETE', base))).toBe('404 40403')
  }
})
