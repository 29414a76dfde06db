/** The same produce workloads over stores in memory and over DynamoDB Local: what ours would be billed must be what it bills. */
import { ensureTable } from '../../src/store/aws/ensure.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { freshAws } from '../../test/lanes/aws-stores.ts'
import { startDynamodbLocal } from '../../test/lanes/dynamodb-local/start.ts'
import { produce, produceWorkloads } from './produce.ts'
import { exactly, type Limit } from './report.ts'
import { contend, type Writers } from './writers.ts'

/** Fewer requests than in memory, still many spills. */
const requestsMost = 300
const twoWriters: Writers = { writers: 2, requests: 400, valueBytes: 100, latency: 'ticking' }

export async function sameUnits(): Promise<readonly Limit[]> {
  const server = await startDynamodbLocal()
  try {
    const limits: Limit[] = []
    for (const workload of Object.values(produceWorkloads)) {
      const shorter = { ...workload, requests: Math.min(requestsMost, workload.requests) }
      const ours = await produce(memoryStores(), shorter)
      const { billed } = await onDynamodb(server.url, (stores, begins) => produce(stores, shorter, begins))
      limits.push(exactly(`${workload.name}: write units, against DynamoDB Local’s bill`, ours.writeUnits, billed))
    }
    const theirs = await onDynamodb(server.url, (stores) => contend(stores, twoWriters))
    const { sentAgain, refused } = theirs.result
    limits.push(exactly('two writers on DynamoDB Local, 400 appends: sent again', sentAgain + refused, 0))
    return limits
  } finally {
    await server.stop()
  }
}

type Stores = ReturnType<typeof memoryStores>

/**
 * Runs over a fresh table, objects in memory; `billed` is the sum of `ConsumedCapacity` in the answers of its writes, from the
 * moment it calls `begins`.
 */
async function onDynamodb<T>(endpoint: string, work: (stores: Stores, begins: () => void) => Promise<T>) {
  const aws = freshAws(endpoint)
  try {
    await ensureTable(aws)
    let billed = 0
    aws.table.clients.writes.middlewareStack.add((next) => async (args) => {
      const answer = await next(args)
      // Every write asks for its capacity; one that says none makes the sum no number, and the bench fail.
      const { ConsumedCapacity } = answer.output as { ConsumedCapacity?: { CapacityUnits?: number } }
      billed += ConsumedCapacity?.CapacityUnits ?? Number.NaN
      return answer
    })
    const begins = () => {
      billed = 0
    }
    const result = await work({ ...aws.stores, objects: memoryStores().objects }, begins)
    return { result, billed }
  } finally {
    await aws.stores.close()
  }
}
