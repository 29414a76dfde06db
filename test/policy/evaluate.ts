/**
 * IAM's decision on one call under one role's policy, for what our roles use: Allow and Deny, wildcards in actions and ARNs, and
 * the conditions listed in `operators`. Anything else in a statement is refused loudly, never guessed at.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export type Statement = {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}

/** A call as IAM sees it. `context` holds the condition keys that the service sets, such as `dynamodb:LeadingKeys`. */
export type Call = {
  readonly action: string
  readonly resource: string
  readonly context: Readonly<Record<string, readonly string[]>>
}

/** `by`: the statement and the action in it that decided; none where nothing allows the call. */
export type Decision = {
  readonly allowed: boolean
  readonly by: { readonly statement: Statement; readonly action: string } | undefined
}

const known = ['Sid', 'Effect', 'Action', 'Resource', 'Condition']

const listOf = (value: string | readonly string[]): readonly string[] => (typeof value === 'string' ? [value] : value)

/** IAM's wildcards: `*` stands for any characters, slashes and colons too, `?` for one. */
export const matchesPattern = (pattern: string, text: string): boolean => {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(text)
}

type Operator = (wanted: readonly string[], found: readonly string[]) => boolean

const likeOne = (wanted: readonly string[], value: string): boolean =>
  wanted.some((pattern) => matchesPattern(pattern, value))

const operators: Readonly<Record<string, Operator>> = {
  StringEquals: (wanted, [value]) => value !== undefined && wanted.includes(value),
  StringLike: (wanted, [value]) => value !== undefined && likeOne(wanted, value),
  // True for a call without the key: IAM's rule, and why such an Allow names only actions that always carry it.
  'ForAllValues:StringEquals': (wanted, found) => found.every((value) => wanted.includes(value)),
  'ForAllValues:StringLike': (wanted, found) => found.every((value) => likeOne(wanted, value)),
}

const conditionsHold = ({ Condition = {} }: Statement, { context }: Call): boolean =>
  Object.entries(Condition).every(([name, keys]) => {
    const operator = operators[name]
    if (operator === undefined) throw new Error(`This evaluator does not know the condition ${name}`)
    return Object.entries(keys).every(([key, wanted]) => operator(listOf(wanted), context[key] ?? []))
  })

/** The action of the statement that covers the call; action names have no case. */
const coveredBy = (statement: Statement, call: Call): string | undefined => {
  const strange = Object.keys(statement).filter((key) => !known.includes(key))
  if (strange.length > 0) throw new Error(`This evaluator does not know ${strange.join(', ')} in a statement`)
  const action = listOf(statement.Action).find((each) => matchesPattern(each.toLowerCase(), call.action.toLowerCase()))
  const named = listOf(statement.Resource).some((resource) => matchesPattern(resource, call.resource))
  return named && action !== undefined && conditionsHold(statement, call) ? action : undefined
}

/** A Deny wins over any Allow, and nothing is allowed unless a statement says so. */
export const decide = (statements: readonly Statement[], call: Call): Decision => {
  const covering = statements.flatMap((statement) => {
    const action = coveredBy(statement, call)
    return action === undefined ? [] : [{ statement, action }]
  })
  const denied = covering.find(({ statement }) => statement.Effect === 'Deny')
  if (denied !== undefined) return { allowed: false, by: denied }
  const allowed = covering.at(0)
  return { allowed: allowed !== undefined, by: allowed }
}

/** Actions that are granted, but by which none of the calls was allowed. */
export const unusedGrants = (statements: readonly Statement[], calls: readonly Call[]): readonly string[] => {
  const name = (statement: Statement, action: string): string => `${statement.Sid ?? '(no sid)'}: ${action}`
  const used = new Set(
    calls.flatMap((call) =>
      statements.flatMap((statement) => {
        const action = coveredBy(statement, call)
        return action === undefined ? [] : [name(statement, action)]
      }),
    ),
  )
  return statements
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap((statement) => listOf(statement.Action).map((action) => name(statement, action)))
    .filter((grant) => !used.has(grant))
}
