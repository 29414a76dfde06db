/**
 * The words in which a message is described: plain data, nothing is computed before a version is first used (`message.ts`).
 *
 * `Out` is what a reader gives, with every field there: one that its version does not have carries its default. `In` is what a
 * writer takes; a field with a stated default, or one that not every version has, may be left out (`Omissible`).
 */
export type Type<Out, In = Out, Omissible extends boolean = boolean> = Shape & {
  /** Never there: it carries the types. */
  readonly phantom?: readonly [Out, In, Omissible]
}

export type Scalar =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'

export type Fields = { readonly [name: string]: Type<unknown> }

/** A type, and what a field of it says besides. Versions are of the message; both ends count. */
export type Shape = Attributes &
  (
    | { readonly kind: Scalar }
    | { readonly kind: 'array'; readonly of: Shape }
    | { readonly kind: 'struct'; readonly fields: { readonly [name: string]: Shape } }
  )

type Attributes = {
  readonly since?: number
  readonly until?: number
  /** The first version in which it may be null. */
  readonly nullableSince?: number
  readonly default?: number | string | boolean | null
  readonly tag?: number
  readonly ignorable?: boolean
  /** Written in the old form in every version. */
  readonly legacy?: boolean
}

export type OutOf<F extends Fields> = {
  readonly [Name in keyof F]: F[Name] extends Type<infer Out, unknown> ? Out : never
}

export type InOf<F extends Fields> = {
  readonly [Name in keyof F as IsOmissible<F[Name]> extends true ? never : Name]: FieldIn<F[Name]>
} & {
  readonly [Name in keyof F as IsOmissible<F[Name]> extends true ? Name : never]?: FieldIn<F[Name]> | undefined
}

type FieldIn<T> = T extends Type<unknown, infer In> ? In : never
type IsOmissible<T> = T extends Type<unknown, unknown, infer Omissible> ? Omissible : never

export const bool: Type<boolean, boolean, false> = { kind: 'bool' }
export const int8: Type<number, number, false> = { kind: 'int8' }
export const int16: Type<number, number, false> = { kind: 'int16' }
export const uint16: Type<number, number, false> = { kind: 'uint16' }
export const int32: Type<number, number, false> = { kind: 'int32' }
export const uint32: Type<number, number, false> = { kind: 'uint32' }
/**
 * Offsets, timestamps and producer ids are safe integers throughout Millrace, hence a `number`. What lies beyond ±(2^53 - 1) is
 * read as the nearest double and written as that double; 2^63 (`maxInt64`), which has no place in 64 bits, is written as Java's
 * `Long.MAX_VALUE`, so that this one survives both ways. Whoever takes an offset from a client checks that it is safe.
 */
export const int64: Type<number, number, false> = { kind: 'int64' }
export const float64: Type<number, number, false> = { kind: 'float64' }
/** As Kafka prints it: 22 characters of URL-safe base64. */
export const uuid: Type<string, string, false> = { kind: 'uuid' }
export const string: Type<string, string, false> = { kind: 'string' }
/** A view of the frame that was read, not a copy: it keeps the frame alive. */
export const bytes: Type<Uint8Array, Uint8Array, false> = { kind: 'bytes' }
/** Record batches, opaque here; a view as `bytes` is. They may be written from parts, one after the other. */
export const records: Type<Uint8Array, Uint8Array | readonly Uint8Array[], false> = { kind: 'records' }

/** What Java's `Long.MAX_VALUE` is read as. */
export const maxInt64 = 2 ** 63
/** `Uuid.ZERO_UUID`: no topic id. */
export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA'

export function array<Out, In>(of: Type<Out, In>): Type<readonly Out[], readonly In[], false> {
  return { kind: 'array', of }
}

export function struct<F extends Fields>(fields: F): Type<OutOf<F>, InOf<F>, false> {
  return { kind: 'struct', fields }
}

/** May be null, which is no default: a version without the field gives its empty value, unless `orNull`. */
export function nullable<Out, In, O extends boolean>(type: Type<Out, In, O>): Type<Out | null, In | null, O> {
  return nullableSince(0, type)
}

/** May be null from a version on. */
export function nullableSince<Out, In, O extends boolean>(
  version: number,
  type: Type<Out, In, O>,
): Type<Out | null, In | null, O> {
  return { ...plain(type), nullableSince: version }
}

/** May be null, and is where nothing is said. */
export function orNull<Out, In>(type: Type<Out, In>): Type<Out | null, In | null, true> {
  return { ...plain(type), nullableSince: 0, default: null }
}

/** What a version without the field gives, and what is written where nothing is said. Without it: 0, '', false, empty. */
export function or<Out extends number | string | boolean | null, In>(
  value: Out,
  type: Type<Out, In>,
): Type<Out, In, true> {
  return { ...plain(type), default: value }
}

/** There from a version on. */
export function since<Out, In>(version: number, type: Type<Out, In>): Type<Out, In, true> {
  return { ...plain(type), since: version }
}

/** There up to a version. */
export function until<Out, In>(version: number, type: Type<Out, In>): Type<Out, In, true> {
  return { ...plain(type), until: version }
}

/** There from one version up to another. */
export function versions<Out, In>(from: number, to: number, type: Type<Out, In>): Type<Out, In, true> {
  return { ...plain(type), since: from, until: to }
}

/** A tagged field (KIP-482): from a version on, written only where it differs from its default. */
export function tagged<Out, In>(tag: number, version: number, type: Type<Out, In>): Type<Out, In, true> {
  return { ...plain(type), tag, since: version }
}

/** Dropped when written in a version that has no such field; any other is an UNSUPPORTED_VERSION unless it is its default. */
export function ignorable<Out, In, O extends boolean>(type: Type<Out, In, O>): Type<Out, In, O> {
  return { ...plain(type), ignorable: true }
}

/** A string in the old form even in flexible versions. */
export function legacy<Out, In, O extends boolean>(type: Type<Out, In, O>): Type<Out, In, O> {
  return { ...plain(type), legacy: true }
}

/** The same without the types it carried. */
const plain = <Out, In, O extends boolean>(type: Type<Out, In, O>): Shape => type

export const hasField = (shape: Shape, version: number): boolean =>
  version >= (shape.since ?? 0) && version <= (shape.until ?? Number.POSITIVE_INFINITY)

export const isNullable = (shape: Shape, version: number): boolean =>
  version >= (shape.nullableSince ?? Number.POSITIVE_INFINITY)
