import { afterEach, describe, expect, it } from 'vitest'
import { add } from '../../../src/store/items.ts'
import type { StoreUse } from '../../../src/store/meter.ts'
import { answer, type Call, type Fake, fakeDynamodb, refuse } from './fake-dynamodb.ts'

const key = { pk: 'p', sk: 's' }
const increment = { patches: [add('n', 1)] }
const applied = {
  Attributes: { pk: { S: 'p' }, sk: { S: 's' }, n: { N: '1' } },
  ConsumedCapacity: { CapacityUnits: 1 },
}

/** Long enough for a call to arrive on a busy machine, short enough to wait for its end. */
const hangsForMs = 1_000

/** What happens to the answer of a write that was applied. */
const losses: Record<string, (call: Call) => void> = {
  'the connection is reset': ({ response }) => response.socket?.resetAndDestroy(),
  'the connection is closed': ({ response }) => response.socket?.destroy(),
  'half a body comes, then a reset': ({ response }) => {
    response.writeHead(200, { 'content-length': 200 })
    response.write('{"Attributes":{"n"', () => response.socket?.resetAndDestroy())
  },
  'half a body comes as if it were whole': ({ response }) => response.writeHead(200).end('{"Attributes":{"n"'),
  'an empty body comes': ({ response }) => response.writeHead(200).end(),
  'an internal error comes': ({ response }) => refuse(response, 500, 'InternalServerError'),
  'a 503 comes': ({ response }) => refuse(response, 503, 'ServiceUnavailable'),
  'a 503 without a name comes': ({ response }) => response.writeHead(503).end('<html>'),
  'a 400 that cannot be read comes': ({ response }) => response.writeHead(400).end('<html>'),
}
const silences: typeof losses = {
  'half a body comes, then nothing': ({ response }) => {
    response.writeHead(200, { 'content-length': 200 })
    response.write('{"Attributes":{"n"')
  },
  'nothing ever comes': () => {},
}

let fake: Fake | undefined
afterEach(() => fake?.close())

describe('a write that was applied, and whose answer is lost', () => {
  for (const [loss, happens] of Object.entries({ ...losses, ...silences })) {
    it(`is sent once and has an unknown outcome: ${loss}`, async () => {
      fake = await fakeDynamodb(happens, loss in silences ? hangsForMs : undefined)
      const uses: StoreUse[] = []
      const write = fake.items.metered((use) => uses.push(use)).update(key, increment)
      await expect(write).rejects.toMatchObject({ name: 'StoreError', trouble: 'unknown-outcome' })
      expect(fake.calls.map(({ operation }) => operation)).toEqual(['UpdateItem'])
      expect(uses.map(({ outcome }) => outcome)).toEqual(['unknown'])
    })
  }
  it('is sent once also where it is a delete or a transaction', async () => {
    fake = await fakeDynamodb(({ response }) => refuse(response, 500, 'InternalServerError'))
    await expect(fake.items.delete(key)).rejects.toMatchObject({ trouble: 'unknown-outcome' })
    await expect(fake.items.transact([{ delete: key }])).rejects.toMatchObject({ trouble: 'unknown-outcome' })
    expect(fake.calls.map(({ operation }) => operation)).toEqual(['DeleteItem', 'TransactWriteItems'])
  })
})

describe('a write that was refused', () => {
  const refusals = {
    ProvisionedThroughputExceededException: 'throttled',
    ThrottlingException: 'throttled',
    RequestLimitExceeded: 'throttled',
    TransactionConflictException: 'throttled',
    ResourceNotFoundException: 'misconfigured',
    AccessDeniedException: 'misconfigured',
    UnrecognizedClientException: 'misconfigured',
  }
  for (const [name, trouble] of Object.entries(refusals)) {
    it(`for ${name} is told as ${trouble}, and not sent again`, async () => {
      fake = await fakeDynamodb(({ response }) => refuse(response, 400, name))
      await expect(fake.items.update(key, increment)).rejects.toMatchObject({ name: 'StoreError', trouble })
      expect(fake.calls).toHaveLength(1)
    })
  }
  it('because a transaction met another one is throttled', async () => {
    const CancellationReasons = [{ Code: 'None' }, { Code: 'TransactionConflict', Message: 'met another' }]
    fake = await fakeDynamodb(({ response }) =>
      refuse(response, 400, 'TransactionCanceledException', { CancellationReasons }),
    )
    const write = fake.items.transact([{ delete: key }, { delete: { ...key, sk: 't' } }])
    await expect(write).rejects.toMatchObject({ trouble: 'throttled' })
  })
  it('because nobody listens was certainly not applied', async () => {
    fake = await fakeDynamodb(({ response }) => answer(response, 200, applied))
    await fake.close()
    await expect(fake.items.update(key, increment)).rejects.toMatchObject({ trouble: 'unavailable' })
    expect(fake.calls).toHaveLength(0)
  })
})

describe('a read', () => {
  it('is asked again where the first answer is lost', async () => {
    let asked = 0
    fake = await fakeDynamodb(({ response }) => {
      if (asked++ === 0) response.socket?.resetAndDestroy()
      else answer(response, 200, { Item: applied.Attributes, ConsumedCapacity: { CapacityUnits: 1 } })
    })
    expect(await fake.items.get(key)).toEqual({ n: 1 })
    expect(fake.calls[1]?.body).toMatchObject({ ConsistentRead: true })
  })
  it('that is never answered ends in time', async () => {
    fake = await fakeDynamodb(() => {}, hangsForMs)
    await expect(fake.items.get(key)).rejects.toMatchObject({ trouble: 'unavailable' })
  })
  it('whose answer has an empty body does not say that there is nothing', async () => {
    fake = await fakeDynamodb(({ response }) => answer(response, 200, {}))
    for (const read of [() => fake?.items.get(key), () => fake?.items.batchGet([key])])
      await expect(read()).rejects.toMatchObject({ trouble: 'unavailable' })
    await expect(fake.items.query({ pk: 'p', limit: 1 })).rejects.toMatchObject({ trouble: 'unavailable' })
  })
})
