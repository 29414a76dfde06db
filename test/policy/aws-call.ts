/**
 * Reads a request to DynamoDB or S3 off the wire and says what IAM would be asked: which actions, on what, with which partition
 * keys. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html and …/list_amazons3.html
 */
import type { Call } from './evaluate.ts'

export type WireRequest = {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
}

export type Place = { readonly region: string; readonly account: string }

type Json = Readonly<Record<string, unknown>>

const objectOf = (value: unknown): Json => {
  if (typeof value !== 'object' || value === null)
    throw new Error(`Expected a JSON object, found ${JSON.stringify(value)}`)
  return value as Json // an object, as just seen; its fields are looked at one by one
}

const textOf = (value: unknown): string => {
  if (typeof value !== 'string') throw new Error(`Expected a text, found ${JSON.stringify(value)}`)
  return value
}

const partitionKeyOf = (item: unknown): string => textOf(objectOf(objectOf(item).pk).S)

/** A query names its partition key in its condition: `#p = :p and …`, or `pk = :p`. */
const queriedKey = (input: Json): string => {
  const names = objectOf(input.ExpressionAttributeNames ?? {})
  for (const [, name = '', value = ''] of textOf(input.KeyConditionExpression).matchAll(/([#\w]+)\s*=\s*(:\w+)/g))
    if ((names[name] ?? name) === 'pk') return textOf(objectOf(objectOf(input.ExpressionAttributeValues)[value]).S)
  throw new Error(`No partition key in ${textOf(input.KeyConditionExpression)}`)
}

const transactActions = {
  Update: 'UpdateItem',
  Put: 'PutItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
}

/**
 * IAM knows no TransactWriteItems: it asks for each action in it. Whether with that action's key or with all keys of the
 * transaction is not documented, so both questions are asked.
 */
const transactCalls = (input: Json, of: (action: string, table: unknown, keys: readonly string[]) => Call): Call[] => {
  const { TransactItems: items } = input
  if (!Array.isArray(items)) throw new Error('A transaction without items')
  const calls = items.flatMap((each) =>
    Object.entries(transactActions).flatMap(([kind, action]) => {
      const member = objectOf(each)[kind]
      if (member === undefined) return []
      const { TableName, Key, Item } = objectOf(member)
      return [{ action, table: TableName, key: partitionKeyOf(Key ?? Item) }]
    }),
  )
  const keys = calls.map(({ key }) => key)
  return calls.flatMap(({ action, table, key }) => [of(action, table, [key]), of(action, table, keys)])
}

const dynamoCalls = (operation: string, input: Json, { region, account }: Place): Call[] => {
  const of = (action: string, table: unknown, keys: readonly string[]): Call => ({
    action: `dynamodb:${action}`,
    resource: `arn:aws:dynamodb:${region}:${account}:table/${textOf(table)}`,
    context: { 'dynamodb:LeadingKeys': keys },
  })
  const { TableName } = input
  switch (operation) {
    case 'GetItem':
    case 'UpdateItem':
    case 'DeleteItem':
      return [of(operation, TableName, [partitionKeyOf(input.Key)])]
    case 'PutItem':
      return [of(operation, TableName, [partitionKeyOf(input.Item)])]
    case 'Query':
      return [of(operation, TableName, [queriedKey(input)])]
    case 'BatchGetItem':
      return Object.entries(objectOf(input.RequestItems)).map(([table, request]) => {
        const { Keys } = objectOf(request)
        return of(operation, table, Array.isArray(Keys) ? Keys.map(partitionKeyOf) : [])
      })
    case 'TransactWriteItems':
      return transactCalls(input, of)
    default:
      return [of(operation, TableName, [])]
  }
}

const objectActions: Readonly<Record<string, string>> = {
  PUT: 's3:PutObject',
  GET: 's3:GetObject',
  HEAD: 's3:GetObject',
  DELETE: 's3:DeleteObject',
}

/** Path style, `/<bucket>/<key>`: what the SDK uses where the endpoint is an IP address. */
const objectCalls = ({ method, url, body }: WireRequest): Call[] => {
  const { pathname, searchParams } = new URL(url, 'http://store')
  const [, bucket = '', ...rest] = pathname.split('/').map(decodeURIComponent)
  const key = rest.join('/')
  const arn = `arn:aws:s3:::${bucket}`
  const of = (action: string, resource: string): Call => ({ action, resource, context: {} })
  if (key !== '') return [of(objectActions[method] ?? `s3:${method}`, `${arn}/${key}`)]
  // DeleteObjects: IAM judges each key for itself.
  if (searchParams.has('delete'))
    return [...body.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name]) => of('s3:DeleteObject', `${arn}/${name}`))
  return [of(method === 'GET' ? 's3:ListBucket' : `s3:${method}`, arn)]
}

/** The calls that IAM would judge for one request to DynamoDB or S3. */
export const callsOf = (request: WireRequest, place: Place): readonly Call[] => {
  const target = request.headers['x-amz-target']
  if (typeof target !== 'string') return objectCalls(request)
  const [service, operation = ''] = target.split('.')
  if (service !== 'DynamoDB_20120810') return [{ action: target, resource: '*', context: {} }]
  return dynamoCalls(operation, objectOf(JSON.parse(request.body)), place)
}

/** The function that made a request: the SDK puts AWS_SDK_UA_APP_ID into its User-Agent as `app/<id>`. */
export const callerOf = ({ headers }: WireRequest): string | undefined => {
  const agent = headers['user-agent']
  return typeof agent === 'string' ? /(?:^| )app\/millrace-(\w+)/.exec(agent)?.[1] : undefined
}
