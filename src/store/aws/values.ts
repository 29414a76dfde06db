/** Values of the port as DynamoDB's AttributeValues, and back. Numbers travel as decimal strings and come back as the same double. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { StoreError } from '../errors.ts'
import type { Item, Key, Value } from '../items.ts'

export type Attributes = Record<string, AttributeValue>

// `Array.isArray` alone narrows to a mutable array of anything.
const isList = (value: Value): value is readonly Value[] => Array.isArray(value)

function toNumber(value: number): AttributeValue {
  // DynamoDB would refuse both, but only after a round trip: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
  if (!Number.isFinite(value)) throw new Error(`an item cannot hold the number ${value}`)
  return { N: String(value) }
}

export function toAttribute(value: Value): AttributeValue {
  if (value === null) return { NULL: true }
  if (typeof value === 'boolean') return { BOOL: value }
  if (typeof value === 'number') return toNumber(value)
  if (typeof value === 'string') return { S: value }
  if (value instanceof Uint8Array) return { B: value }
  if (isList(value)) return { L: value.map(toAttribute) }
  return { M: toAttributes(value) }
}

function toAttributes(item: Item): Attributes {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, toAttribute(value)]))
}

/** Throws `misconfigured` at a type that this program never writes (sets). */
function fromAttribute(attribute: AttributeValue): Value {
  if (attribute.S !== undefined) return attribute.S
  if (attribute.N !== undefined) return Number(attribute.N)
  if (attribute.B !== undefined) return attribute.B
  if (attribute.BOOL !== undefined) return attribute.BOOL
  if (attribute.NULL !== undefined) return null
  if (attribute.L !== undefined) return attribute.L.map(fromAttribute)
  if (attribute.M !== undefined) return fromMap(attribute.M)
  throw new StoreError(
    'misconfigured',
    `the table holds an attribute of unknown type: ${Object.keys(attribute).join()}`,
  )
}

const fromMap = (attributes: Attributes): Item =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, fromAttribute(value)]))

/** An item as the port shows it: without its key. */
export function fromAttributes(attributes: Attributes): Item {
  const { pk: _pk, sk: _sk, ...rest } = attributes
  return fromMap(rest)
}

export const toKey = (key: Key): Attributes => ({ pk: { S: key.pk }, sk: { S: key.sk } })

/** The key of an item as DynamoDB returns it. */
export const keyOf = ({ pk, sk }: Attributes): Key => ({ pk: pk?.S ?? '', sk: sk?.S ?? '' })
