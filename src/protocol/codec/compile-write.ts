import { KafkaError } from '../errors.ts'
import type { Form as ReadForm } from './compile-read.ts'
import { defaultOf, isDefault } from './defaults.ts'
import { hasField, isNullable, type Shape } from './schema.ts'
import {
  type WriteLength,
  type Writer,
  writeBool,
  writeBytes,
  writeCompactLength,
  writeFloat64,
  writeInt8,
  writeInt16,
  writeInt32,
  writeInt64,
  writeLength16,
  writeLength32,
  writeParts,
  writeSized,
  writeText,
  writeUint16,
  writeUint32,
  writeUuid,
  writeUvarint,
} from './writer.ts'

/** `never`, because each takes only values of its own type; `message` has checked them through `In`. */
export type Write = (writer: Writer, value: never) => void
/** `dropping`: fields that the version lacks may be set all the same. */
export type Form = ReadForm & { readonly dropping: boolean }

type Values = { readonly [name: string]: never }

const fixed: { readonly [kind: string]: Write | undefined } = {
  bool: writeBool,
  int8: writeInt8,
  int16: writeInt16,
  uint16: writeUint16,
  int32: writeInt32,
  uint32: writeUint32,
  int64: writeInt64,
  float64: writeFloat64,
  uuid: writeUuid,
}

/** A writer of one type, in one form. `name` is for errors. */
function compileWrite(shape: Shape, name: string, form: Form): Write {
  const compact = form.flexible && !shape.legacy
  switch (shape.kind) {
    case 'string': {
      const writeLength = compact ? writeCompactLength : writeLength16
      return orWriteNull(shape, name, form, writeLength, (writer, value: string) =>
        writeText(writer, value, writeLength),
      )
    }
    case 'bytes':
    case 'records': {
      const writeLength = compact ? writeCompactLength : writeLength32
      return orWriteNull(shape, name, form, writeLength, (writer, value: Uint8Array | readonly Uint8Array[]) => {
        if (value instanceof Uint8Array) writeBytes(writer, value, writeLength)
        else writeParts(writer, value, writeLength)
      })
    }
    case 'array': {
      const writeLength = compact ? writeCompactLength : writeLength32
      const write = compileWrite(shape.of, name, form)
      return orWriteNull(shape, name, form, writeLength, (writer, values: readonly never[]) => {
        writeLength(writer, values.length)
        for (const value of values) write(writer, value)
      })
    }
    case 'struct': {
      const write = compileWriteFields(shape.fields, form)
      if (!isNullable(shape, form.version)) return write
      return orWriteNull(shape, name, form, writeInt8, (writer, value: never) => {
        writeInt8(writer, 1)
        write(writer, value)
      })
    }
    default: {
      const write = fixed[shape.kind]
      if (!write) throw new TypeError(`no writer for ${shape.kind}`)
      return write
    }
  }
}

/** Null is a length of -1; for a struct, a marker of -1. */
function orWriteNull<T>(
  shape: Shape,
  name: string,
  form: Form,
  writeLength: WriteLength,
  write: (writer: Writer, value: T) => void,
): Write {
  const mayBeNull = isNullable(shape, form.version)
  return (writer: Writer, value: T | null) => {
    if (value !== null) write(writer, value)
    else if (mayBeNull) writeLength(writer, -1)
    else throw new TypeError(`${name} may not be null in version ${form.version}`)
  }
}

type Field = { readonly name: string; readonly shape: Shape; readonly write: Write; readonly unset: never }

export function compileWriteFields(fields: { readonly [name: string]: Shape }, form: Form): Write {
  const all = Object.entries(fields)
  const there: Field[] = all
    .filter(([, shape]) => hasField(shape, form.version))
    // The cast is sound: a field's default is a value of its type.
    .map(([name, shape]) => ({
      name,
      shape,
      write: compileWrite(shape, name, form),
      unset: defaultOf(shape) as never,
    }))
  const positional = there.filter(({ shape }) => shape.tag === undefined)
  const tags = there
    .filter(({ shape }) => shape.tag !== undefined)
    .sort((a, b) => (a.shape.tag ?? 0) - (b.shape.tag ?? 0))
  const missed = all.filter(([, shape]) => !form.dropping && !hasField(shape, form.version) && !shape.ignorable)
  return (writer: Writer, values: Values) => {
    for (const { name, write, unset } of positional) {
      const value = values[name]
      write(writer, value === undefined ? unset : value)
    }
    for (const [name, shape] of missed) {
      const value = values[name]
      if (value !== undefined && !isDefault(shape, value))
        throw new KafkaError('UNSUPPORTED_VERSION', `version ${form.version} has no ${name}`)
    }
    if (form.flexible) writeTagged(writer, tags, values)
  }
}

function writeTagged(writer: Writer, tags: readonly Field[], values: Values): void {
  const set = tags.length === 0 ? tags : tags.filter(({ name, shape }) => !isDefault(shape, values[name]))
  writeUvarint(writer, set.length)
  for (const { name, shape, write } of set) {
    writeUvarint(writer, shape.tag ?? 0)
    // The cast is sound: an absent value is a default, and those were left out.
    writeSized(writer, () => write(writer, values[name] as never))
  }
}
