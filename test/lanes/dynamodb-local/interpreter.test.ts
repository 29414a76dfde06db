import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ensureTable } from '../../../src/store/aws/ensure.ts'
import { memoryStores } from '../../../src/store/embedded/memory.ts'
import { StoreError } from '../../../src/store/errors.ts'
import type { ItemStore, Key, Update } from '../../../src/store/items.ts'
import { freshKey } from '../../store/fresh.ts'
import { freshAws } from '../aws-stores.ts'
import { update } from './random-updates.ts'

/** Sequences of updates; PROPERTY_RUNS asks for more of them, PROPERTY_SEED for those of a failure again. */
const numRuns = Number(process.env.PROPERTY_RUNS ?? 800)
const seed = process.env.PROPERTY_SEED
const updatesPerRun = { minLength: 5, maxLength: 8 }

/**
 * What an update did: its answer and its price, or that it was refused as a mistake. `inexact`: it would have made an integer that a
 * number does not hold. In memory that is a mistake of whoever adds; DynamoDB has 38 digits and takes it.
 */
async function told(items: ItemStore, key: Key, change: Update) {
  let units = 0
  const metered = items.metered((use) => {
    units += use.writeUnits
  })
  try {
    return { ...(await metered.update(key, change)), units }
  } catch (error) {
    // A store in trouble is no answer to compare.
    if (error instanceof StoreError && error.trouble !== 'too-large') throw error
    return /leaves the integers a number can hold exactly/.test(String(error)) ? 'inexact' : 'refused'
  }
}

describe('the embedded interpreter', () => {
  const dynamodb = freshAws(inject('dynamodbUrl'))
  const embedded = memoryStores()
  const seen = { updates: 0, applied: 0, failed: 0, refused: 0, inexact: 0 }
  beforeAll(() => ensureTable(dynamodb))
  afterAll(async () => {
    console.log(`compared with DynamoDB Local: ${JSON.stringify(seen)}`)
    await dynamodb.stores.close()
  })

  it('applies, refuses and prices every random update as DynamoDB does, and makes the same item of it', async () => {
    const property = fc.asyncProperty(fc.array(update, updatesPerRun), async (updates) => {
      const key = freshKey()
      for (const change of updates) {
        const theirs = await told(dynamodb.stores.items, key, change)
        const ours = await told(embedded.items, key, change)
        if (ours === 'inexact' && theirs !== 'refused') {
          // The two items are no longer the same.
          seen.inexact++
          return
        }
        expect(ours === 'inexact' ? 'refused' : ours).toEqual(theirs)
        seen.updates++
        seen[typeof theirs === 'string' ? 'refused' : theirs.applied ? 'applied' : 'failed']++
      }
    })
    // A failure prints the seed, and the smallest updates that show it.
    await fc.assert(property, { numRuns, ...(seed && { seed: Number(seed) }) })
    expect(seen.updates).toBeGreaterThan(3 * numRuns)
    expect(Math.min(seen.applied, seen.failed, seen.refused)).toBeGreaterThan(numRuns / 4)
  })
})
