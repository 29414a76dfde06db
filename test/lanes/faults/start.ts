/** What the lane needs: DynamoDB Local (Java; Maven the first time) and MiniStack (Python; PyPI the first time). */
import type { TestProject } from 'vitest/node'
import { startDynamodbLocal } from '../dynamodb-local/start.ts'
import { startMinistack } from '../ministack/start.ts'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [dynamodb, ministack] = await Promise.all([startDynamodbLocal(), startMinistack()])
  project.provide('dynamodbUrl', dynamodb.url)
  project.provide('ministackUrl', ministack.url)
  return async () => {
    await Promise.all([dynamodb.stop(), ministack.stop()])
  }
}
