/**
 * What a condition and a patch mean. This is DynamoDB's meaning, told in plain code:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html and
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html.
 * Where DynamoDB answers ValidationException, these functions throw an `Error`: the caller's mistake, never an answer.
 */
import type { Comparison, Condition, Item, Patch, Scalar, Value } from '../items.ts'
import { compareScalars, copied, isList, sum } from '../values.ts'

const nothing: Item = {}

function attributeOf(item: Item, name: string): Value | undefined {
  // In DynamoDB these are the key, which is not an attribute of an item here; `__proto__` is no own property of an object.
  if (name === 'pk' || name === 'sk' || name === '__proto__' || name === '') {
    throw new Error(`an attribute may not be called ${JSON.stringify(name)}`)
  }
  return Object.hasOwn(item, name) ? item[name] : undefined
}

function compares(attribute: Value | undefined, is: Comparison, value: Scalar): boolean {
  if (typeof value === 'boolean' && is !== '=' && is !== '<>') throw new Error(`booleans have no order: ${is}`)
  const order = compareScalars(attribute, value)
  if (is === '<>') return order !== 0
  if (order === undefined) return false
  switch (is) {
    case '=':
      return order === 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
  }
}

/** Whether the condition is true of the item; every attribute of an `undefined` item is absent. */
export function holds(condition: Condition, item: Item | undefined): boolean {
  const before = item ?? nothing
  if ('all' in condition) return condition.all.every((each) => holds(each, item))
  if ('any' in condition) return condition.any.some((each) => holds(each, item))
  if ('not' in condition) return !holds(condition.not, item)
  if ('exists' in condition) return attributeOf(before, condition.exists) !== undefined
  if ('absent' in condition) return attributeOf(before, condition.absent) === undefined
  if ('attribute' in condition) return compares(attributeOf(before, condition.attribute), condition.is, condition.value)
  const list = attributeOf(before, condition.list)
  if (!isList(list)) return false
  if ('shorterThan' in condition) return list.length < condition.shorterThan
  const { contains } = condition
  return list.some((element) => compareScalars(element, contains) === 0)
}

function patchedAttribute(patch: Patch): string {
  if ('set' in patch) return patch.set
  if ('setIfAbsent' in patch) return patch.setIfAbsent
  if ('add' in patch) return patch.add
  if ('append' in patch) return patch.append
  if ('dropFirst' in patch) return patch.dropFirst
  return patch.remove
}

function added(name: string, before: Value | undefined, by: number): Value {
  const from = before === undefined ? 0 : before
  if (typeof from !== 'number') throw new Error(`attribute ${name} is no number: nothing can be added to it`)
  return copied(sum(from, by))
}

function appended(name: string, before: Value | undefined, values: readonly Value[]): Value {
  if (before !== undefined && !isList(before))
    throw new Error(`attribute ${name} is no list: nothing can be appended to it`)
  return [...(before ?? []), ...values.map((value) => copied(value, 1))]
}

function dropped(name: string, before: Value | undefined, count: number): Value {
  if (!Number.isSafeInteger(count) || count < 1) throw new Error(`cannot drop ${count} elements`)
  if (!isList(before)) throw new Error(`attribute ${name} is no list: nothing can be dropped from it`)
  return before.slice(count)
}

/** The attribute after the patch, `undefined` where it is then absent. */
function patchedValue(patch: Patch, name: string, before: Value | undefined): Value | undefined {
  if ('set' in patch) return copied(patch.to)
  if ('setIfAbsent' in patch) return before === undefined ? copied(patch.to) : before
  if ('add' in patch) return added(name, before, patch.by)
  if ('append' in patch) return appended(name, before, patch.values)
  if ('dropFirst' in patch) return dropped(name, before, patch.count)
  return undefined
}

/**
 * The item after the patches; without patches an absent item is created empty. Values of the patches are copied; what did
 * not change is shared with `item`. Throws where DynamoDB answers ValidationException.
 */
export function patched(item: Item | undefined, patches: readonly Patch[]): Item {
  const before = item ?? nothing
  const after: { [attribute: string]: Value } = { ...before }
  const seen = new Set<string>()
  for (const patch of patches) {
    const name = patchedAttribute(patch)
    if (seen.has(name)) throw new Error(`attribute ${name} is patched twice in one update`)
    seen.add(name)
    const value = patchedValue(patch, name, attributeOf(before, name))
    if (value === undefined) delete after[name]
    else after[name] = value
  }
  return after
}
