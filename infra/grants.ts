/**
 * Grants to one grantee each: a policy that opens routes, and the item in the table that the functions hold the caller to (its
 * topics and groups). The item is written before the policy is made and goes after it, so that no moment has the one without the
 * other.
 */
import { CustomResource, Duration, Lazy, Names, Stack, Validations } from 'aws-cdk-lib'
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2'
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import {
  Grant,
  type IGrantable,
  type IIdentity,
  type IPrincipal,
  type IRole,
  type IUser,
  Policy,
  PolicyStatement,
} from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { type Opening, patternsOf } from './access.ts'
import { functionCode } from './bundle.ts'
import { makeFunction } from './functions.ts'
import { statementsOf } from './permissions.ts'

export type GrantBook = {
  /** Adds to what the grantee may do. */
  open(grantee: IGrantable, opening: Opening): Grant
  /** The grantee may call every route: its other grants hold it to nothing. */
  noteAdmin(grantee: IGrantable): void
}

type Entry = { readonly openings: Opening[]; readonly policy: Policy }

export type GrantBookOptions = {
  readonly api: HttpApi
  readonly table: TableV2
  readonly bucket: Bucket
  readonly encryptionKey: IKey | undefined
  readonly logRetention: RetentionDays | undefined
}

export const grantBook = (scope: Construct, options: GrantBookOptions): GrantBook => {
  const entries = new Map<IPrincipal, Entry>()
  const admins = new Set<IPrincipal>()
  let writer: IFunction | undefined
  const entryOf = (principal: Grantee): Entry => {
    const known = entries.get(principal)
    if (known) return known
    writer ??= makeWriter(scope, options)
    const entry = makeEntry(scope, principal, {
      writer,
      arnsOf: (openings) => arnsOf(options.api, openings),
      isAdmin: () => admins.has(principal),
    })
    entries.set(principal, entry)
    return entry
  }
  return {
    noteAdmin: ({ grantPrincipal }) => void admins.add(grantPrincipal),
    open: (grantee, opening) => {
      const principal = granteeOf(grantee)
      const { openings, policy } = entryOf(principal)
      openings.push(opening)
      acknowledgeWildcards(policy, arnsOf(options.api, [opening]))
      // CDK's own Grant would add to the grantee's default policy, which could not be made to wait for our item.
      return Grant.addToPrincipal({
        grantee: { grantPrincipal: addingNothingTo(policy, principal) },
        actions: ['execute-api:Invoke'],
        resourceArns: arnsOf(options.api, [opening]),
      })
    },
  }
}

/** The stage is the API's one. */
const arnsOf = (api: HttpApi, openings: readonly Opening[]): string[] =>
  patternsOf(openings).map((pattern) => {
    const slash = pattern.indexOf('/')
    return api.arnForExecuteApi(pattern.slice(0, slash), pattern.slice(slash), '$default')
  })

/** cdk-nag wants each wildcard named, in its own spelling of an ARN: `<LogicalId>` for a reference. */
const acknowledgeWildcards = (policy: Policy, arns: readonly string[]): void => {
  const spelled = (arn: string): string => {
    // How CloudFormation joins a text with references in it, or the bare text.
    const parts: unknown = Stack.of(policy).resolve(arn)?.['Fn::Join']?.[1] ?? [arn]
    return (parts as (string | { Ref: string })[])
      .map((part) => (typeof part === 'string' ? part : `<${part.Ref}>`))
      .join('')
  }
  for (const arn of arns.filter((each) => /[*?]/.test(each)))
    Validations.of(policy).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${spelled(arn)}]`,
      reason:
        'Partitions, instances and clusters get their names at run time; a wildcard opens no route but the grant’s.',
    })
}

/** The function behind the custom resource: ours, for CDK's own would bring an SDK and a wider role. Made with the first grant. */
const makeWriter = (scope: Construct, { table, bucket, encryptionKey, logRetention }: GrantBookOptions): IFunction =>
  makeFunction(scope, 'grants', {
    code: functionCode('grants'),
    memorySize: 256,
    reservedConcurrency: undefined,
    logRetention: logRetention ?? RetentionDays.ONE_MONTH,
    environment: { MILLRACE_TABLE: table.tableName, MILLRACE_BUCKET: bucket.bucketName },
    statements: statementsOf('grants', { table, bucket, encryptionKey, autoCreateTopics: false }),
  })

/** The policy's one statement is made of all openings at once, when the stack is written. */
const addingNothingTo = (policy: Policy, { assumeRoleAction, policyFragment }: Grantee): IPrincipal => {
  const principal: IPrincipal = {
    assumeRoleAction,
    policyFragment,
    get grantPrincipal() {
      return principal
    },
    addToPrincipalPolicy: () => ({ statementAdded: true, policyDependable: policy }),
  }
  return principal
}

/** Of an ARN before the pattern, with its quotes: region, account and API are known only when deployed. */
const arnCharacters = 'arn:aws:execute-api:ap-southeast-2:123456789012:abcdefghij/$default/'.length + 3

type EntryOptions = {
  readonly writer: IFunction
  readonly arnsOf: (openings: readonly Opening[]) => string[]
  readonly isAdmin: () => boolean
}

const makeEntry = (scope: Construct, principal: Grantee, { writer, arnsOf, isAdmin }: EntryOptions): Entry => {
  const openings: Opening[] = []
  // In the grantee's stack, which depends on ours already: the other way round the two would wait for each other.
  const place = new Construct(principal, `Millrace-${Names.nodeUniqueId(scope.node)}`)
  const ofKind = <K extends Opening['kind']>(kind: K) =>
    openings.filter((opening): opening is Extract<Opening, { kind: K }> => opening.kind === kind)
  const item = new CustomResource(place, 'Grants', {
    resourceType: 'Custom::MillraceGrants',
    serviceToken: writer.functionArn,
    serviceTimeout: Duration.minutes(2),
    properties: {
      ...identityOf(principal),
      produce: Lazy.any({ produce: () => [...new Set(ofKind('produce').map(({ topic }) => topic))] }),
      consume: Lazy.any({ produce: () => ofKind('consume').map(({ group, topic }) => ({ group, topic })) }),
      admin: Lazy.string({ produce: () => String(isAdmin()) }),
    },
  })
  const policy = new Policy(place, 'Policy', {
    statements: [
      new PolicyStatement({
        sid: 'CallMillrace',
        actions: ['execute-api:Invoke'],
        resources: Lazy.list({ produce: () => arnsOf(openings) }),
      }),
    ],
  })
  const charactersMax = isRole(principal) ? 10_240 : 2_048
  policy.node.addValidation({
    validate: () => {
      const characters = patternsOf(openings).reduce((sum, pattern) => sum + pattern.length + arnCharacters, 0)
      if (characters <= charactersMax) return []
      return [
        `IAM has no room for so many grants to one grantee: some ${characters} characters of ${charactersMax}. Grant '*'.`,
      ]
    },
  })
  principal.attachInlinePolicy(policy)
  policy.node.addDependency(item)
  return { openings, policy }
}

type Grantee = IIdentity & (IRole | IUser)

/** Only roles and users: the functions know a caller by one of these, and by no group or service that it belongs to. */
const granteeOf = ({ grantPrincipal }: IGrantable): Grantee => {
  if (isRole(grantPrincipal) || isUser(grantPrincipal)) return grantPrincipal
  throw new Error(
    `Millrace grants topics and groups to IAM roles and users (and to what has a role, such as a function), not to ${grantPrincipal}`,
  )
}

const isRole = (principal: IPrincipal): principal is IRole =>
  'roleName' in principal && Construct.isConstruct(principal)
const isUser = (principal: IPrincipal): principal is IUser =>
  'userName' in principal && Construct.isConstruct(principal)

const identityOf = (grantee: Grantee): { readonly account: string; readonly kind: string; readonly name: string } => {
  const account = grantee.principalAccount ?? Stack.of(grantee).account
  return isRole(grantee)
    ? { account, kind: 'role', name: grantee.roleName }
    : { account, kind: 'user', name: (grantee as IUser).userName }
}
