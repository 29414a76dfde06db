/** The OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.0) of everything that is served. */
import { STATUS_CODES } from 'node:http'
import { consumerOperations, consumerSchemas } from './consumers.ts'
import { kafkaOperations } from './kafka.ts'
import { asJson, type Content, type Operation, object, ref, type Schema } from './operation.ts'
import { v2Operations, v2Schemas } from './v2.ts'
import { v3Operations, v3Schemas } from './v3.ts'
import { groupOperations, groupSchemas } from './v3-groups.ts'

const documentOperation: Operation = {
  route: 'GET /openapi.json',
  tag: 'document',
  id: 'openapi',
  summary: 'This document',
  answers: { 200: asJson({ type: 'object' }) },
  errors: [406],
}

export const operations: readonly Operation[] = [
  ...v2Operations,
  ...consumerOperations,
  ...v3Operations,
  ...groupOperations,
  ...kafkaOperations,
  documentOperation,
]

/** Any call may get these: what is malformed or too large, not allowed, too often, or at a bad moment. */
const anyTime = [400, 403, 413, 429, 500, 503]

const pathParameters: Readonly<Record<string, { readonly description: string; readonly schema: Schema }>> = {
  cluster: { description: 'The id that GET /v3/clusters tells', schema: { type: 'string' } },
  topic: { description: 'A topic', schema: { type: 'string', pattern: '^[a-zA-Z0-9._-]{1,249}$' } },
  partition: { description: 'A partition', schema: { type: 'integer', minimum: 0, maximum: 2_147_483_647 } },
  name: { description: 'A config', schema: { type: 'string', pattern: '^[a-z0-9.]{1,100}$' } },
  group: { description: 'A consumer group', schema: { type: 'string', minLength: 1, maxLength: 255 } },
  instance: { description: 'A consumer instance', schema: { type: 'string', minLength: 1, maxLength: 255 } },
  consumer: { description: 'A member of a group', schema: { type: 'string', minLength: 1 } },
}

/** The document, as seen from where the caller reached us (`https://host/stage`). */
export function openApiDocument(origin: string) {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of operations) {
    const [method = '', route = ''] = operation.route.split(' ')
    const path = operation.path ?? route
    paths[path] = { ...paths[path], [method.toLowerCase()]: describe(operation, path) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Millrace',
      version: '1',
      description: 'Kafka’s log over HTTP: the contract of the Confluent REST Proxy, v2 and v3.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: origin }],
    // A deployment wants each call signed; a server on one machine asks nobody.
    security: [{ sigv4: [] }, {}],
    tags: ['v2', 'consumers', 'v3', 'groups', 'kafka', 'document'].map((name) => ({ name })),
    paths,
    components: {
      schemas: { ...v2Schemas, ...consumerSchemas, ...v3Schemas, ...groupSchemas },
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          name: 'Authorization',
          in: 'header',
          description: 'AWS Signature Version 4, service execute-api',
        },
      },
    },
  }
}

function describe(operation: Operation, path: string) {
  const { id, tag, summary, description, parameters = [], body, answers, errors } = operation
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    ...pathParameters[name],
  }))
  const isV2 = !path.startsWith('/v3/')
  const failed = [...new Set([...anyTime, ...errors])].sort()
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description ? { description } : {}),
    parameters: [...inPath, ...parameters],
    ...(body ? { requestBody: { required: body.required, content: withSchemas(body.content) } } : {}),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, content]) => [status, response(status, content)])),
      ...Object.fromEntries(failed.map((status) => [status, response(String(status), errorContent(isV2))])),
    },
  }
}

const response = (status: string, content: Content | null) => ({
  description: STATUS_CODES[status] ?? 'Answer',
  ...(content ? { content: withSchemas(content) } : {}),
})

const withSchemas = (content: Content) =>
  Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }]))

/** What API Gateway itself refuses is `application/json` in v2 too. */
const errorContent = (isV2: boolean): Content => ({
  ...(isV2 ? { 'application/vnd.kafka.v2+json': ref('Error') } : {}),
  'application/json': { anyOf: [ref('Error'), object({ message: { type: ['string', 'null'] } })] },
})
