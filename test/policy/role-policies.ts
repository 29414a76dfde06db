/** Each function's policy out of a synthesized template, with the references in it replaced by what was deployed. */
import type { Statement } from './evaluate.ts'

/** What CloudFormation's references to a resource stand for. */
export type Deployed = { readonly ref: string; readonly arn: string }

type Resource = { readonly Type: string; readonly Properties?: Readonly<Record<string, unknown>> }
export type TemplateJson = { readonly Resources: Readonly<Record<string, Resource>> }

/** Replaces `Ref`, `Fn::GetAtt …Arn` and `Fn::Join`; whatever else a policy might hold is refused. */
const resolve = (value: unknown, deployed: (logicalId: string) => Deployed): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((each) => resolve(each, deployed))
  const entries = Object.entries(value)
  const [[name, argument] = ['', undefined]] = entries
  if (name === 'Ref') return deployed(String(argument)).ref
  if (name === 'Fn::GetAtt' && Array.isArray(argument) && argument[1] === 'Arn')
    return deployed(String(argument[0])).arn
  if (name === 'Fn::Join' && Array.isArray(argument)) {
    const parts = resolve(argument[1], deployed)
    if (Array.isArray(parts)) return parts.join(String(argument[0]))
  }
  if (name.startsWith('Fn::')) throw new Error(`Cannot resolve ${JSON.stringify(value)}`)
  return Object.fromEntries(entries.map(([key, each]) => [key, resolve(each, deployed)]))
}

/** The path of a value inside JSON that CDK made; the caller knows the type that stands there. */
const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value)

/** By function name (`produce`, …): the statements of the role it runs as, inline ones and those attached to it. */
export const rolePolicies = (
  template: TemplateJson,
  deployed: (logicalId: string) => Deployed,
): ReadonlyMap<string, readonly Statement[]> => {
  const resources = Object.entries(template.Resources)
  const statementsOf = (roleId: string): readonly Statement[] => {
    const inline = at(template.Resources[roleId], 'Properties', 'Policies')
    const documents = (Array.isArray(inline) ? inline : []).map((policy) => at(policy, 'PolicyDocument'))
    for (const [, resource] of resources)
      if (resource.Type === 'AWS::IAM::Policy' && JSON.stringify(resource.Properties?.Roles).includes(`"${roleId}"`))
        documents.push(resource.Properties?.PolicyDocument)
    // A policy document holds statements, by CloudFormation's definition; the evaluator refuses what it does not know in them.
    return documents.flatMap((document) => resolve(at(document, 'Statement'), deployed) as Statement[])
  }
  const functions = resources.filter(([, { Type }]) => Type === 'AWS::Lambda::Function')
  return new Map(
    functions.map(([, { Properties }]) => {
      const app = String(at(Properties, 'Environment', 'Variables', 'AWS_SDK_UA_APP_ID'))
      return [app.replace('millrace-', ''), statementsOf(String(at(Properties, 'Role', 'Fn::GetAtt', 0)))]
    }),
  )
}
