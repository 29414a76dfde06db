import { KafkaError } from '../errors.ts'
import { compileReadFields } from './compile-read.ts'
import { compileWriteFields, type Write } from './compile-write.ts'
import { malformed, type Reader, readerOf } from './reader.ts'
import type { Fields, InOf, OutOf } from './schema.ts'
import { newWriter, type Writer, written } from './writer.ts'

/** A message in all its versions. Each version is compiled when it is first used. */
export type Message<Out, In = Out> = {
  readonly name: string
  /** First and last. */
  readonly versions: readonly [first: number, last: number]
  readonly firstFlexible: number
  readonly fields: Fields
  /**
   * Reads what may be followed by something else. Throws KafkaError INVALID_REQUEST where the bytes are not those of such a
   * message, UNSUPPORTED_VERSION where there is no such version. `bytes` and `records` are views of what was read.
   */
  read(reader: Reader, version: number): Out
  /**
   * Throws UNSUPPORTED_VERSION also where a field is set that a request's version does not have, RangeError or TypeError for a
   * value that its type cannot hold: a mistake of the caller's.
   */
  write(writer: Writer, version: number, value: In): void
  /** Reads the whole of `bytes`: what is left over is INVALID_REQUEST too. */
  decode(version: number, bytes: Uint8Array): Out
  encode(version: number, value: In): Buffer
}

/** For a message whose versions are all in the old form. */
export const neverFlexible = Number.POSITIVE_INFINITY

export type MessageOut<M> = M extends Message<infer Out, never> ? Out : never
export type MessageIn<M> = M extends { encode(version: number, value: infer In): Buffer } ? In : never

/** An answer: whoever makes it fills it for all versions alike, and a field that the asked version lacks is dropped. */
export function response<F extends Fields>(
  name: string,
  versions: readonly [first: number, last: number],
  firstFlexible: number,
  fields: F,
): Message<OutOf<F>, InOf<F>> {
  return define(name, versions, firstFlexible, fields, true)
}

/** A request, or whatever is none. A field that its version lacks cannot be set, unless it is `ignorable`. */
export function message<F extends Fields>(
  name: string,
  versions: readonly [first: number, last: number],
  firstFlexible: number,
  fields: F,
): Message<OutOf<F>, InOf<F>> {
  return define(name, versions, firstFlexible, fields, false)
}

function define<F extends Fields>(
  name: string,
  versions: readonly [first: number, last: number],
  firstFlexible: number,
  fields: F,
  dropping: boolean,
): Message<OutOf<F>, InOf<F>> {
  const readers: ((reader: Reader) => unknown)[] = []
  const writers: Write[] = []
  const form = (version: number) => {
    if (!(version >= versions[0] && version <= versions[1] && Number.isInteger(version)))
      throw new KafkaError('UNSUPPORTED_VERSION', `${name} has no version ${version}`)
    return { version, flexible: version >= firstFlexible, dropping }
  }
  const compiledRead = (version: number) => {
    const found = readers[version]
    if (found) return found
    const compiled = compileReadFields(fields, form(version))
    readers[version] = compiled
    return compiled
  }
  const compiledWrite = (version: number) => {
    const found = writers[version]
    if (found) return found
    const compiled = compileWriteFields(fields, form(version))
    writers[version] = compiled
    return compiled
  }
  // Both casts are sound: the closures were made from the fields that the types were made from.
  const read = (reader: Reader, version: number) => compiledRead(version)(reader) as OutOf<F>
  const write = (writer: Writer, version: number, value: InOf<F>) => compiledWrite(version)(writer, value as never)
  return {
    name,
    versions,
    firstFlexible,
    fields,
    read,
    write,
    decode(version, bytes) {
      const reader = readerOf(bytes, `${name} v${version}`)
      const value = read(reader, version)
      if (reader.at !== reader.end) throw malformed(reader, `${reader.end - reader.at} bytes too many`)
      return value
    },
    encode(version, value) {
      const writer = newWriter()
      write(writer, version, value)
      return written(writer)
    },
  }
}
