import { describe, expect, it } from 'vitest'
import { callerOf, callsOf } from './aws-call.ts'

const place = { region: 'us-east-1', account: '1' }
const tableArn = 'arn:aws:dynamodb:us-east-1:1:table/log'
const key = (pk: string) => ({ pk: { S: pk }, sk: { S: 's' } })
const dynamo = (operation: string, input: object) =>
  callsOf(
    {
      method: 'POST',
      url: '/',
      headers: { 'x-amz-target': `DynamoDB_20120810.${operation}` },
      body: JSON.stringify(input),
    },
    place,
  )
const s3 = (method: string, url: string) => callsOf({ method, url, headers: {}, body: '' }, place)
const asked = (action: string, ...keys: string[]) => ({
  action,
  resource: tableArn,
  context: { 'dynamodb:LeadingKeys': keys },
})

describe('a request on the wire', () => {
  it('to one item is one call with its partition key', () => {
    expect(dynamo('UpdateItem', { TableName: 'log', Key: key('h/x/0') })).toEqual([
      asked('dynamodb:UpdateItem', 'h/x/0'),
    ])
  })

  it('of a query names the key of its condition', () => {
    const query = {
      TableName: 'log',
      KeyConditionExpression: '#k = :a AND #s BETWEEN :b AND :c',
      ExpressionAttributeNames: { '#k': 'pk', '#s': 'sk' },
      ExpressionAttributeValues: { ':a': { S: 'i/x/0' }, ':b': { S: 'b' }, ':c': { S: 'c' } },
    }
    expect(dynamo('Query', query)).toEqual([asked('dynamodb:Query', 'i/x/0')])
  })

  it('for many items carries all their keys', () => {
    const input = { RequestItems: { log: { Keys: [key('b/1'), key('b/2')] } } }
    expect(dynamo('BatchGetItem', input)).toEqual([asked('dynamodb:BatchGetItem', 'b/1', 'b/2')])
  })

  it('of a transaction is each action in it, with its own key and with all of them', () => {
    const input = {
      TransactItems: [
        { Update: { TableName: 'log', Key: key('h/x/0') } },
        { ConditionCheck: { TableName: 'log', Key: key('topics') } },
        { Put: { TableName: 'log', Item: key('jobs') } },
      ],
    }
    expect(dynamo('TransactWriteItems', input)).toEqual([
      asked('dynamodb:UpdateItem', 'h/x/0'),
      asked('dynamodb:UpdateItem', 'h/x/0', 'topics', 'jobs'),
      asked('dynamodb:ConditionCheckItem', 'topics'),
      asked('dynamodb:ConditionCheckItem', 'h/x/0', 'topics', 'jobs'),
      asked('dynamodb:PutItem', 'jobs'),
      asked('dynamodb:PutItem', 'h/x/0', 'topics', 'jobs'),
    ])
  })

  it('to S3 names the object, or the bucket where there is none', () => {
    const [put] = s3('PUT', '/bucket/blobs/ab/01J?x-id=PutObject')
    expect(put).toMatchObject({ action: 's3:PutObject', resource: 'arn:aws:s3:::bucket/blobs/ab/01J' })
    const [list] = s3('GET', '/bucket?list-type=2&prefix=blobs%2F')
    expect(list).toMatchObject({ action: 's3:ListBucket', resource: 'arn:aws:s3:::bucket' })
  })

  it('that removes objects is a call for each of them', () => {
    const body = '<Delete><Object><Key>blobs/a</Key></Object><Object><Key>segments/b</Key></Object></Delete>'
    const calls = callsOf({ method: 'POST', url: '/bucket?delete=', headers: {}, body }, place)
    expect(calls.map(({ action, resource }) => `${action} ${resource}`)).toEqual([
      's3:DeleteObject arn:aws:s3:::bucket/blobs/a',
      's3:DeleteObject arn:aws:s3:::bucket/segments/b',
    ])
  })

  it('tells which function sent it', () => {
    const from = (agent: string) => callerOf({ method: 'GET', url: '/', headers: { 'user-agent': agent }, body: '' })
    expect(from('aws-sdk-js/3.1 ua/2.1 app/millrace-fetch md/x')).toBe('fetch')
    expect(from('aws-sdk-js/3.1 ua/2.1')).toBeUndefined()
  })
})
