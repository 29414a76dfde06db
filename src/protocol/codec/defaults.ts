import { type Shape, zeroUuid } from './schema.ts'

/** Frozen: every message that lacks the field shares it. */
const nothing: readonly never[] = Object.freeze([])
const noBytes = new Uint8Array(0)

/** What Kafka's generated classes give a field that nobody set. */
export function defaultOf(shape: Shape): unknown {
  if (shape.default !== undefined) return shape.default
  switch (shape.kind) {
    case 'bool':
      return false
    case 'string':
      return ''
    case 'uuid':
      return zeroUuid
    case 'bytes':
    case 'records':
      return noBytes
    case 'array':
      return nothing
    case 'struct':
      return Object.freeze(
        Object.fromEntries(Object.entries(shape.fields).map(([name, field]) => [name, defaultOf(field)])),
      )
    default:
      return 0
  }
}

export function isDefault(shape: Shape, value: unknown): boolean {
  if (value === undefined) return true
  if (shape.default !== undefined) return value === shape.default
  if (value === null) return false
  switch (shape.kind) {
    case 'array':
      return Array.isArray(value) && value.length === 0
    case 'bytes':
    case 'records':
      return value instanceof Uint8Array && value.length === 0
    case 'struct': {
      // The cast is sound: a value of a struct's type is an object with its fields.
      const object = value as { readonly [name: string]: unknown }
      return Object.entries(shape.fields).every(([name, field]) => isDefault(field, object[name]))
    }
    default:
      return value === defaultOf(shape)
  }
}
