/** A version of a message told line by line: once from our table, once from Kafka's definition. Both must tell the same. */
import { hasField, isNullable, type Shape } from '../../../src/protocol/codec/schema.ts'
import type { AnyMessage } from '../../protocol/golden.ts'
import type { DefinedField, Definition } from './java.ts'

type Told = {
  readonly name: string
  readonly type: string
  readonly there: boolean
  readonly nullable: boolean
  readonly default: unknown
  readonly tag: number | undefined
  /** Whether it may be dropped; counts where it is not there. */
  readonly ignorable: boolean
  readonly oldForm: boolean
  readonly fields: readonly Told[] | undefined
}

/** Fields in their order, those with a tag after the others, those that are not there last. */
function tell(fields: readonly Told[], prefix = ''): string[] {
  const place = (field: Told) => (!field.there ? 2e9 : field.tag === undefined ? 0 : 1e9 + field.tag)
  return [...fields]
    .sort((a, b) => place(a) - place(b) || (a.there ? 0 : a.name < b.name ? -1 : 1))
    .flatMap((field) => {
      const words = [
        `${prefix}${field.name}: ${field.type}`,
        field.there ? '' : field.ignorable ? 'absent, ignorable' : 'absent',
        field.there && field.nullable ? 'nullable' : '',
        `default ${JSON.stringify(field.default)}`,
        field.there && field.tag !== undefined ? `tag ${field.tag}` : '',
        field.oldForm ? 'in the old form' : '',
      ]
      const own = words.filter((word) => word !== '').join(', ')
      return field.there && field.fields ? [own, ...tell(field.fields, `${prefix}${field.name}.`)] : [own]
    })
}

export function tellOurs(message: AnyMessage, version: number): string[] {
  const isAnswer = message.name.endsWith('Response')
  const told = (fields: { readonly [name: string]: Shape }): Told[] =>
    Object.entries(fields).map(([name, shape]) => {
      const element = shape.kind === 'array' ? shape.of : shape
      return {
        name,
        type: `${shape.kind === 'array' ? '[]' : ''}${element.kind}`,
        there: hasField(shape, version),
        nullable: isNullable(shape, version),
        default: shape.default ?? (shape.default === null ? null : 'empty'),
        tag: shape.tag,
        ignorable: isAnswer || shape.ignorable === true,
        oldForm: shape.legacy === true,
        fields: element.kind === 'struct' ? told(element.fields) : undefined,
      }
    })
  return tell(normal(told(message.fields)))
}

export function tellKafkas(definition: Definition, version: number): string[] {
  const structs = new Map(definition.commonStructs?.map(({ name, fields }) => [name, fields]))
  const isAnswer = definition.type === 'response'
  const valid = rangeOf(definition.validVersions)
  const told = (fields: readonly DefinedField[], outer: Range): Told[] =>
    fields.flatMap((field) => {
      const own = rangeOf(field.versions)
      const range: Range = [Math.max(own[0], outer[0]), Math.min(own[1], outer[1])]
      // Gone from all versions that are still spoken.
      if (range[0] > range[1]) return []
      const element = field.type.replace('[]', '')
      const inner = field.fields ?? structs.get(element)
      return {
        name: field.name.charAt(0).toLowerCase() + field.name.slice(1),
        type: inner ? field.type.replace(element, 'struct') : field.type,
        there: version >= range[0] && version <= range[1],
        nullable: field.nullableVersions !== undefined && isIn(field.nullableVersions, version),
        default: defaultOf(field),
        tag: field.tag,
        ignorable: isAnswer || field.ignorable === true,
        oldForm: field.flexibleVersions === 'none',
        fields: inner && told(inner, range),
      }
    })
  return tell(normal(told(definition.fields, valid)))
}

/** A default that is the empty value of its type is none. */
const normal = (fields: readonly Told[]): Told[] =>
  fields.map((field) => ({
    ...field,
    default: [0, '', false].some((empty) => field.default === empty) ? 'empty' : field.default,
    fields: field.fields && normal(field.fields),
  }))

function defaultOf({ type, default: value }: DefinedField): unknown {
  if (value === undefined) return 'empty'
  if (value === 'null') return null
  if (type === 'bool') return String(value) === 'true'
  return type === 'string' || type.startsWith('[]') ? value : Number(value)
}

type Range = readonly [first: number, last: number]

export function rangeOf(versions: string): Range {
  if (versions === 'none') return [Infinity, -Infinity]
  const [first = '', last] = versions.replace('+', '-Infinity').split('-')
  return [Number(first), Number(last ?? first)]
}

const isIn = (versions: string, version: number): boolean =>
  version >= rangeOf(versions)[0] && version <= rangeOf(versions)[1]
