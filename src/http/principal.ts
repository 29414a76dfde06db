/** Who calls: the IAM identity behind a request, by a name that lasts. */

/**
 * `<account>/role/<name>` or `<account>/user/<name>` of the ARN that API Gateway gives: a role without its session, either without
 * its path, both in lower case (IAM tells no two names apart by case). `undefined` for what no grant can name: an account's root, a
 * federated user, nobody.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
 */
export function principalOf(userArn: string): string | undefined {
  const [arn, , service, , account = '', ...rest] = userArn.split(':')
  const [kind, ...names] = rest.join(':').split('/')
  if (arn !== 'arn' || account === '') return undefined
  // Of a session's ARN the path is left out already: assumed-role/<role>/<session>.
  if (service === 'sts' && kind === 'assumed-role' && names[0]) return principalNamed(account, 'role', names[0])
  const name = names.at(-1)
  if (service === 'iam' && (kind === 'role' || kind === 'user') && name) return principalNamed(account, kind, name)
  return undefined
}

export type PrincipalKind = 'role' | 'user'

/** The same name, of parts. `name` may have its path before it. */
export const principalNamed = (account: string, kind: PrincipalKind, name: string): string =>
  `${account}/${kind}/${(name.split('/').at(-1) ?? name).toLowerCase()}`
