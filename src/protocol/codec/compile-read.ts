import { defaultOf } from './defaults.ts'
import {
  malformed,
  type Reader,
  type ReadLength,
  readBool,
  readBytes,
  readCompactLength,
  readFloat64,
  readInt8,
  readInt16,
  readInt32,
  readInt64,
  readLength16,
  readLength32,
  readText,
  readUint16,
  readUint32,
  readUuid,
  readUvarint,
  skip,
} from './reader.ts'
import { hasField, isNullable, type Shape } from './schema.ts'

export type Read = (reader: Reader) => unknown
type Values = { [name: string]: unknown }

/** Which wire form: of one version of one message. */
export type Form = { readonly version: number; readonly flexible: boolean }

const fixed: { readonly [kind: string]: readonly [read: Read, bytes: number] | undefined } = {
  bool: [readBool, 1],
  int8: [readInt8, 1],
  int16: [readInt16, 2],
  uint16: [readUint16, 2],
  int32: [readInt32, 4],
  uint32: [readUint32, 4],
  int64: [readInt64, 8],
  float64: [readFloat64, 8],
  uuid: [readUuid, 16],
}

/** A reader of one type, in one form. `name` is for errors. */
function compileRead(shape: Shape, name: string, form: Form): Read {
  switch (shape.kind) {
    case 'string':
      return readLengthed(shape, name, form, readLength16, readText)
    case 'bytes':
    case 'records':
      return readLengthed(shape, name, form, readLength32, readBytes)
    case 'array':
      return readLengthed(shape, name, form, readLength32, readElements(shape.of, name, form))
    case 'struct': {
      const read = compileReadFields(shape.fields, form)
      return isNullable(shape, form.version) ? (reader) => (readInt8(reader) < 0 ? null : read(reader)) : read
    }
    default: {
      const found = fixed[shape.kind]
      if (!found) throw new TypeError(`no reader for ${shape.kind}`)
      return found[0]
    }
  }
}

function readLengthed(
  shape: Shape,
  name: string,
  form: Form,
  old: ReadLength,
  read: (reader: Reader, length: number) => unknown,
): Read {
  const readLength = form.flexible && !shape.legacy ? readCompactLength : old
  const mayBeNull = isNullable(shape, form.version)
  return (reader) => {
    const length = readLength(reader)
    if (length >= 0) return read(reader, length)
    if (mayBeNull) return null
    throw malformed(reader, `${name} is null`)
  }
}

/** The claimed count is held against the bytes that are left, before anything is allocated for it. */
function readElements(shape: Shape, name: string, form: Form): (reader: Reader, count: number) => unknown[] {
  const read = compileRead(shape, name, form)
  const bytesEach = Math.max(1, leastBytes(shape, form))
  return (reader, count) => {
    if (count * bytesEach > reader.end - reader.at)
      throw malformed(
        reader,
        `${name} claims ${count} elements, which the ${reader.end - reader.at} bytes left cannot hold`,
      )
    reader.elementsLeft -= count
    if (reader.elementsLeft < 0) throw malformed(reader, `more array elements than a message may have, in ${name}`)
    const elements: unknown[] = []
    for (let i = 0; i < count; i++) elements.push(read(reader))
    return elements
  }
}

export function compileReadFields(fields: { readonly [name: string]: Shape }, form: Form): (reader: Reader) => Values {
  const names: string[] = []
  const reads: Read[] = []
  const tags = new Map<number, readonly [name: string, read: Read]>()
  // Copied for every struct read, so that all have one shape, and the fields that are not there their defaults.
  const blank: Values = {}
  for (const [name, field] of Object.entries(fields)) {
    blank[name] = defaultOf(field)
    if (!hasField(field, form.version)) continue
    const read = compileRead(field, name, form)
    if (field.tag !== undefined) tags.set(field.tag, [name, read])
    else {
      names.push(name)
      reads.push(read)
    }
  }
  const { flexible } = form
  return (reader) => {
    const values = { ...blank }
    for (let i = 0; i < names.length; i++) {
      // The casts are sound: both arrays have this length.
      values[names[i] as string] = (reads[i] as Read)(reader)
    }
    if (flexible) readTagged(reader, tags, values)
    return values
  }
}

/** Those of a newer version are skipped. */
function readTagged(
  reader: Reader,
  tags: ReadonlyMap<number, readonly [name: string, read: Read]>,
  values: Values,
): void {
  for (let left = readUvarint(reader); left > 0; left--) {
    const tag = readUvarint(reader)
    const size = readUvarint(reader)
    const known = tags.get(tag)
    const from = skip(reader, size)
    if (!known) continue
    const [name, read] = known
    const outerEnd = reader.end
    reader.at = from
    reader.end = from + size
    values[name] = read(reader)
    if (reader.at !== reader.end) throw malformed(reader, `${name} is shorter than the ${size} bytes it claims`)
    reader.end = outerEnd
  }
}

/** How few bytes a value of this type takes. */
function leastBytes(shape: Shape, form: Form): number {
  if (shape.kind === 'struct') {
    if (isNullable(shape, form.version)) return 1
    const fields = Object.values(shape.fields).filter(
      (field) => field.tag === undefined && hasField(field, form.version),
    )
    return fields.reduce((sum, field) => sum + leastBytes(field, form), form.flexible ? 1 : 0)
  }
  const length = form.flexible && !shape.legacy ? 1 : shape.kind === 'string' ? 2 : 4
  return fixed[shape.kind]?.[1] ?? length
}
