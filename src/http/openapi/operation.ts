/** What the OpenAPI document is made of: small data, one entry for each call that is served. */

/** JSON Schema 2020-12, as OpenAPI 3.1 has it. */
export type Schema = { readonly [keyword: string]: unknown }

export type Parameter = {
  readonly name: string
  readonly in: 'query' | 'header'
  readonly description: string
  readonly required?: boolean
  readonly schema: Schema
}

/** Media types and what they hold. */
export type Content = Readonly<Record<string, Schema>>

export type Operation = {
  /** The route that answers it, as in functions/routes.ts. */
  readonly route: string
  /** Where one route answers several calls: the call's own path. */
  readonly path?: string
  readonly tag: 'v2' | 'consumers' | 'v3' | 'groups' | 'kafka' | 'document'
  readonly id: string
  readonly summary: string
  readonly description?: string
  readonly parameters?: readonly Parameter[]
  readonly body?: { readonly required: boolean; readonly content: Content }
  /** Success answers by status; `null`: without a body. */
  readonly answers: Readonly<Record<number, Content | null>>
  /** Statuses of errors, beside those that any call may get. */
  readonly errors: readonly number[]
}

export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })
export const list = (items: Schema, more: Schema = {}): Schema => ({ type: 'array', items, ...more })
export const text = { type: 'string' } as const
export const flag = { type: 'boolean' } as const
export const whole = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const
export const orNull = (schema: { readonly type: string; readonly [keyword: string]: unknown }): Schema => ({
  ...schema,
  type: [schema.type, 'null'],
})
/** Any JSON value. */
export const anything: Schema = {}

/** Exactly these members; those that are named `optional` may be absent. */
export const object = (properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
})

/** Members any of which may be absent. */
export const partial = (properties: Readonly<Record<string, Schema>>): Schema =>
  object(properties, Object.keys(properties))

const json = 'application/json'
const v2Json = 'application/vnd.kafka.v2+json'

/** A v3 document. */
export const asJson = (schema: Schema): Content => ({ [json]: schema })
/** A v2 document: under the type that is asked for. */
export const asV2 = (schema: Schema): Content => ({ [v2Json]: schema, [json]: schema })
/** Of records: under the type of their form. */
export const asRecords = (ofJson: Schema, ofBinary: Schema): Content => ({
  'application/vnd.kafka.json.v2+json': ofJson,
  'application/vnd.kafka.binary.v2+json': ofBinary,
})

export const idempotencyKey: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'The same call sent again under the same key within 15 minutes appends nothing and gets the first answer.',
  schema: { type: 'string', pattern: '^[\\x20-\\x7e]{1,255}$' },
}
