/**
 * The ItemStore port: small, strongly consistent items under (`pk`, `sk`), ordered by `sk` within a `pk`.
 *
 * An update is data, not code: a list of patches and a condition. The DynamoDB adapter compiles it to expressions
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html), the embedded one interprets it, and one
 * contract suite plus a property test hold both to the same meaning: DynamoDB's.
 */
import type { Meter } from './meter.ts'

/** What an attribute may hold. Numbers are safe integers or doubles; binaries are `Uint8Array`. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Value[]
  | { readonly [name: string]: Value }

/** Where an item lives. Both parts are non-empty strings, ordered by their UTF-8 bytes. */
export type Key = { readonly pk: string; readonly sk: string }

/** An item's attributes, without its key. */
export type Item = { readonly [attribute: string]: Value }

/** An item as a query returns it: `sk` and attributes. */
export type Row = { readonly sk: string; readonly item: Item }

/** One change of one top-level attribute. An update names an attribute in at most one patch. */
export type Patch =
  | { readonly set: string; readonly to: Value }
  | { readonly setIfAbsent: string; readonly to: Value }
  /** Adds to a number; an absent one counts as 0. */
  | { readonly add: string; readonly by: number }
  /** Appends to a list; an absent one counts as empty. */
  | { readonly append: string; readonly values: readonly Value[] }
  /** Drops the first `count` elements of a list, fewer if it is shorter. The list must exist. */
  | { readonly dropFirst: string; readonly count: number }
  | { readonly remove: string }

export type Scalar = string | number | boolean | Uint8Array
export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>='

/**
 * A condition on the item as it was before the update. A comparison whose attribute is absent or of another type is false,
 * except `<>`, which is then true (DynamoDB's rule). On an item that does not exist every attribute is absent.
 */
export type Condition =
  | { readonly exists: string }
  | { readonly absent: string }
  | { readonly attribute: string; readonly is: Comparison; readonly value: Scalar }
  /** A list holds an element equal to `value`. */
  | { readonly list: string; readonly contains: Scalar }
  /** A list exists and has fewer than `shorterThan` elements. */
  | { readonly list: string; readonly shorterThan: number }
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }

export type Update = { readonly patches: readonly Patch[]; readonly if?: Condition }

/** Applied: the item as it is now. Not applied: the item that failed the condition, `undefined` where there is none. */
export type Written =
  | { readonly applied: true; readonly item: Item }
  | { readonly applied: false; readonly item: Item | undefined }

export type Action =
  | { readonly update: Key; readonly patches: readonly Patch[]; readonly if?: Condition }
  | { readonly delete: Key; readonly if?: Condition }
  | { readonly check: Key; readonly if: Condition }

export type Transacted = { readonly applied: true } | { readonly applied: false; readonly failed: readonly number[] }

/** A range of one `pk`, ends included, at most `limit` rows. Fewer rows than `limit` means: there are no more. */
export type Query = {
  readonly pk: string
  readonly from?: string
  readonly to?: string
  readonly reverse?: boolean
  readonly limit: number
}

/**
 * All reads are strongly consistent. No write is ever retried by an adapter: a write either returns `Written`, or throws a
 * `StoreError` that says whether it is certainly `not-applied` or `unknown` (see `errors.ts`).
 */
export interface ItemStore {
  get(key: Key): Promise<Item | undefined>
  /** As many gets in one round trip; answers stand in the order of the keys. At most `limits.batchGetKeys` keys. */
  batchGet(keys: readonly Key[]): Promise<readonly (Item | undefined)[]>
  query(query: Query): Promise<readonly Row[]>
  /** Creates the item where there is none and the condition allows it. */
  update(key: Key, update: Update): Promise<Written>
  /** Removes the item; a missing one counts as removed where there is no condition. `item` is what was there, or `{}`. */
  delete(key: Key, condition?: Condition): Promise<Written>
  /** Whether items whose number `ttl` (seconds since 1970) has passed go by themselves, some time after that (DynamoDB's TTL). */
  readonly forgets?: boolean
  /** All or nothing, at most `limits.transactActions` actions on different keys. Cold paths only: it costs double. */
  transact(actions: readonly Action[]): Promise<Transacted>
  /** The same store, whose calls are also told to `meter`. */
  metered(meter: Meter): ItemStore
}

export const set = (attribute: string, to: Value): Patch => ({ set: attribute, to })
export const setIfAbsent = (attribute: string, to: Value): Patch => ({ setIfAbsent: attribute, to })
export const add = (attribute: string, by: number): Patch => ({ add: attribute, by })
export const append = (attribute: string, ...values: Value[]): Patch => ({ append: attribute, values })
export const dropFirst = (attribute: string, count: number): Patch => ({ dropFirst: attribute, count })
export const remove = (attribute: string): Patch => ({ remove: attribute })

export const exists = (attribute: string): Condition => ({ exists: attribute })
export const absent = (attribute: string): Condition => ({ absent: attribute })
export const compare = (attribute: string, is: Comparison, value: Scalar): Condition => ({ attribute, is, value })
export const equals = (attribute: string, value: Scalar): Condition => ({ attribute, is: '=', value })
export const contains = (list: string, value: Scalar): Condition => ({ list, contains: value })
export const shorterThan = (list: string, length: number): Condition => ({ list, shorterThan: length })
export const all = (...conditions: Condition[]): Condition => ({ all: conditions })
export const any = (...conditions: Condition[]): Condition => ({ any: conditions })
export const not = (condition: Condition): Condition => ({ not: condition })
