import { afterEach, describe, expect, it } from 'vitest'
import { answer, type Call, type Fake, fakeDynamodb } from './fake-dynamodb.ts'

type Key = { readonly pk: { readonly S: string }; readonly sk: { readonly S: string } }

const row = (sk: string) => ({ pk: { S: 'p' }, sk: { S: sk }, v: { S: sk } })
const capacity = { CapacityUnits: 1 }

let fake: Fake | undefined
afterEach(() => fake?.close())

/** The keys a BatchGetItem asks for. */
function keysOf({ body }: Call): Key[] {
  // The fake is only ever asked by our adapter, for one table.
  const { RequestItems } = body as { RequestItems: { table: { Keys: Key[]; ConsistentRead: boolean } } }
  expect(RequestItems.table.ConsistentRead).toBe(true)
  return RequestItems.table.Keys
}

/** Answers the first `some` keys and leaves the others. */
function answerSome(call: Call, some: number): void {
  const keys = keysOf(call)
  const left = keys.slice(some)
  answer(call.response, 200, {
    Responses: {
      table: keys
        .slice(0, some)
        .filter(({ sk }) => sk.S !== 'missing')
        .reverse()
        .map(({ sk }) => row(sk.S)),
    },
    UnprocessedKeys: left.length > 0 ? { table: { Keys: left, ConsistentRead: true } } : {},
    ConsumedCapacity: [capacity],
  })
}

describe('a batch of gets', () => {
  const keys = ['c', 'missing', 'a', 'c', 'b'].map((sk) => ({ pk: 'p', sk }))

  it('asks again for keys that were not processed, and never takes them for missing', async () => {
    let calls = 0
    fake = await fakeDynamodb((call) => answerSome(call, calls++ === 1 ? 0 : 1))
    expect(await fake.items.batchGet(keys)).toEqual([{ v: 'c' }, undefined, { v: 'a' }, { v: 'c' }, { v: 'b' }])
    expect(fake.calls.map((call) => keysOf(call).length)).toEqual([4, 3, 3, 2, 1])
  })
  it('of which nothing is ever processed is throttled', async () => {
    fake = await fakeDynamodb((call) => answerSome(call, 0))
    await expect(fake.items.batchGet(keys)).rejects.toMatchObject({ name: 'StoreError', trouble: 'throttled' })
  })
})

describe('a query', () => {
  /** Pages of these rows; every page but the last names where to go on. */
  const pages = (...rows: string[][]) => {
    let page = 0
    return fakeDynamodb(({ response, body }) => {
      const start = page === 0 ? undefined : row(`page ${page}`)
      expect(body.ExclusiveStartKey).toEqual(start)
      const found = rows[page++] ?? []
      const more = page < rows.length ? { LastEvaluatedKey: row(`page ${page}`) } : {}
      answer(response, 200, { Items: found.map(row), ConsumedCapacity: capacity, ...more })
    })
  }
  const limits = () => fake?.calls.map(({ body }) => body.Limit)

  it('goes on over empty pages until there are no more', async () => {
    fake = await pages(['a'], [], [], ['b', 'c'], [])
    expect((await fake.items.query({ pk: 'p', limit: 10 })).map(({ sk }) => sk)).toEqual(['a', 'b', 'c'])
    expect(limits()).toEqual([10, 9, 9, 9, 7])
  })
  it('stops where it has enough, though there is more', async () => {
    fake = await pages(['a'], [], ['b'], ['c'])
    expect((await fake.items.query({ pk: 'p', limit: 2 })).map(({ sk }) => sk)).toEqual(['a', 'b'])
    expect(limits()).toEqual([2, 1, 1])
  })
})
