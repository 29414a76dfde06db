import type { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { functionNames, scheduledNames } from '../../functions/routes.ts'
import { resourcesOf, templateOf } from './synth.ts'

type Statement = {
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}
type RoleProperties = {
  readonly Description: string
  readonly ManagedPolicyArns?: unknown
  readonly Policies: readonly { readonly PolicyDocument: { readonly Statement: readonly Statement[] } }[]
}

const rolesOf = (template: Template): readonly RoleProperties[] =>
  // A role's properties, as CloudFormation defines them.
  resourcesOf(template, 'AWS::IAM::Role').map(({ Properties }) => Properties as RoleProperties)

const roles = rolesOf(templateOf())
const statements = roles.flatMap(({ Policies }) => Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement))
const list = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T])

describe('the roles', () => {
  it('are one for each function, with no policy of AWS beside its own', () => {
    expect(roles).toHaveLength(functionNames.length + scheduledNames.length)
    for (const { ManagedPolicyArns } of roles) expect(ManagedPolicyArns).toBeUndefined()
  })

  it('name every action in full', () => {
    for (const action of statements.flatMap(({ Action }) => list(Action)))
      expect(action).toMatch(/^[a-z0-9]+:[A-Za-z]+$/)
  })

  it('name every resource: a wildcard stands only behind a prefix of the bucket', () => {
    for (const resource of statements.flatMap(({ Resource }) => list(Resource))) {
      const text = JSON.stringify(resource)
      expect(text).not.toBe('"*"')
      if (text.includes('*')) expect(text).toMatch(/Bucket\w+","Arn"\]\},"\/(blobs|segments|clusters)\/\*"/)
    }
  })

  it('name the partition keys behind every action on the table', () => {
    const onItems = statements.filter(({ Action }) => list(Action).some((action) => action.startsWith('dynamodb:')))
    expect(onItems.length).toBeGreaterThan(4)
    for (const { Condition } of onItems) {
      const keys = list(Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'] ?? [])
      expect(keys.length).toBeGreaterThan(0)
      for (const key of keys) expect(key).toMatch(/^[a-z]+(\/\*)?$/)
    }
  })

  it('let produce delete nothing where it may not create topics', () => {
    const [produce] = rolesOf(templateOf({ autoCreateTopics: false }))
    expect(produce?.Description).toContain('produce')
    expect(JSON.stringify(produce)).not.toContain('dynamodb:DeleteItem')
    expect(JSON.stringify(roles[0])).toContain('dynamodb:DeleteItem')
  })

  it('let no function scan the table, or delete or overwrite its settings', () => {
    const actions = new Set(statements.flatMap(({ Action }) => list(Action)))
    for (const action of ['dynamodb:Scan', 'dynamodb:DeleteTable', 'dynamodb:UpdateTable', 's3:DeleteObjectVersion'])
      expect(actions).not.toContain(action)
  })
})
