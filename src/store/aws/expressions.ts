/**
 * Patches and conditions as DynamoDB's expressions
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html). Pure.
 */
import type { Comparison, Condition, Patch, Scalar, Value } from '../items.ts'
import { type Attributes, toAttribute } from './values.ts'

/** The parameters of a write that carry its expressions; absent where there is nothing to say (DynamoDB refuses empty ones). */
export type Expressions = {
  UpdateExpression?: string
  ConditionExpression?: string
  ExpressionAttributeNames?: Record<string, string>
  ExpressionAttributeValues?: Attributes
}

/** Hands out placeholders: every name is escaped, as any word may be reserved. */
type Placeholders = { name(attribute: string): string; value(value: Value): string }

export function compile(patches: readonly Patch[], condition?: Condition): Expressions {
  const names = new Map<string, string>()
  const values: Attributes = {}
  let valueCount = 0
  const placeholders: Placeholders = {
    name(attribute) {
      // The key is no attribute of an item here.
      if (attribute === 'pk' || attribute === 'sk') throw new Error(`an attribute may not be called ${attribute}`)
      const known = names.get(attribute) ?? `#${names.size}`
      names.set(attribute, known)
      return known
    },
    value(value) {
      const name = `:${valueCount++}`
      values[name] = toAttribute(value)
      return name
    },
  }
  const update = compileUpdate(patches, placeholders)
  const when = condition && compileCondition(condition, placeholders).text
  return {
    ...(update && { UpdateExpression: update }),
    ...(when && { ConditionExpression: when }),
    ...(names.size > 0 && {
      ExpressionAttributeNames: Object.fromEntries([...names].map(([attribute, name]) => [name, attribute])),
    }),
    ...(valueCount > 0 && { ExpressionAttributeValues: values }),
  }
}

function compileUpdate(patches: readonly Patch[], { name, value }: Placeholders): string {
  const clauses = { SET: [] as string[], ADD: [] as string[], REMOVE: [] as string[] }
  const patchedAttributes = new Set<string>()
  const target = (attribute: string) => {
    // DynamoDB refuses it; not every emulator does.
    if (patchedAttributes.has(attribute)) throw new Error(`attribute ${attribute} is patched twice in one update`)
    patchedAttributes.add(attribute)
    return name(attribute)
  }
  for (const patch of patches) {
    if ('set' in patch) clauses.SET.push(`${target(patch.set)} = ${value(patch.to)}`)
    else if ('setIfAbsent' in patch) {
      const attribute = target(patch.setIfAbsent)
      clauses.SET.push(`${attribute} = if_not_exists(${attribute}, ${value(patch.to)})`)
    } else if ('add' in patch) clauses.ADD.push(`${target(patch.add)} ${value(patch.by)}`)
    else if ('append' in patch) {
      const list = target(patch.append)
      clauses.SET.push(`${list} = list_append(if_not_exists(${list}, ${value([])}), ${value(patch.values)})`)
    } else if ('dropFirst' in patch) clauses.REMOVE.push(...firstElements(patch.count, target(patch.dropFirst)))
    else clauses.REMOVE.push(target(patch.remove))
  }
  return Object.entries(clauses)
    .filter(([, parts]) => parts.length > 0)
    .map(([verb, parts]) => `${verb} ${parts.join(', ')}`)
    .join(' ')
}

/**
 * The last of them first: DynamoDB resolves all indexes against the list as it was, some emulators remove one after the other;
 * in descending order both mean the same.
 */
function firstElements(count: number, list: string): string[] {
  if (!Number.isSafeInteger(count) || count < 1) throw new Error(`cannot drop ${count} elements`)
  return Array.from({ length: count }, (_, i) => `${list}[${count - 1 - i}]`)
}

/** `joined`: AND or OR at the top, so a neighbour has to put it in parentheses (DynamoDB refuses redundant ones). */
type Compiled = { readonly text: string; readonly joined: boolean }

const simple = (text: string): Compiled => ({ text, joined: false })
const inner = ({ text, joined }: Compiled): string => (joined ? `(${text})` : text)

function compileCondition(condition: Condition, at: Placeholders): Compiled {
  if ('exists' in condition) return simple(`attribute_exists(${at.name(condition.exists)})`)
  if ('absent' in condition) return simple(`attribute_not_exists(${at.name(condition.absent)})`)
  if ('is' in condition) {
    requireOrder(condition.is, condition.value)
    return simple(`${at.name(condition.attribute)} ${condition.is} ${at.value(condition.value)}`)
  }
  if ('list' in condition) return compileList(condition, at)
  if ('all' in condition) return join('AND', condition.all, at)
  if ('any' in condition) return join('OR', condition.any, at)
  // Two negations are none; written out, they would need the parentheses that DynamoDB calls redundant.
  if ('not' in condition.not) return compileCondition(condition.not.not, at)
  return simple(`NOT ${inner(compileCondition(condition.not, at))}`)
}

/** `contains` and `size` also know strings, binaries and maps; the port means lists only. */
function compileList(condition: Extract<Condition, { list: string }>, at: Placeholders): Compiled {
  const list = at.name(condition.list)
  const test =
    'contains' in condition
      ? `contains(${list}, ${at.value(condition.contains)})`
      : `size(${list}) < ${at.value(condition.shorterThan)}`
  return { text: `attribute_type(${list}, ${at.value('L')}) AND ${test}`, joined: true }
}

function join(operator: 'AND' | 'OR', conditions: readonly Condition[], at: Placeholders): Compiled {
  const [only, ...others] = conditions
  // No conditions at all: true for AND, false for OR. Expressions have no literals.
  if (!only) {
    const opposite = operator === 'AND' ? 'OR' : 'AND'
    return { text: `attribute_exists(pk) ${opposite} attribute_not_exists(pk)`, joined: true }
  }
  if (others.length === 0) return compileCondition(only, at)
  const parts = conditions.map((condition) => inner(compileCondition(condition, at)))
  return { text: parts.join(` ${operator} `), joined: true }
}

function requireOrder(comparison: Comparison, value: Scalar) {
  if (typeof value === 'boolean' && comparison !== '=' && comparison !== '<>')
    throw new Error(`booleans have no order: ${comparison}`)
}
