import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { AccountPrincipal, Group, Role, User } from 'aws-cdk-lib/aws-iam'
import { describe, expect, it } from 'vitest'
import { type RouteClass, routeClasses } from '../../functions/access.ts'
import { functionNames, routes } from '../../functions/routes.ts'
import { Millrace } from '../../infra/millrace.ts'
import { decide, type Statement } from '../policy/evaluate.ts'
import { fastApp, resourcesOf, somewhere } from './synth.ts'

const api = 'arn:aws:execute-api:eu-west-1:123456789012:api/$default/'

/** A template's references, as they would be deployed. */
const resolved = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, each) => {
      const [name, argument] = Object.entries(each ?? {})[0] ?? []
      if (typeof each !== 'object' || each === null || Array.isArray(each)) return each
      if (name === 'Ref')
        return String(argument) === 'AWS::Partition' ? 'aws' : /Api/.test(String(argument)) ? 'api' : String(argument)
      if (name === 'Fn::Join') return (resolved(argument) as [string, string[]])[1].join('')
      return each
    }),
  )

/** Of the role that is granted something, not of the construct's own. */
const isCallers = (roles: unknown): boolean => JSON.stringify(roles ?? 'Caller, a user').includes('Caller')

const granting = (grant: (log: Millrace, role: Role, stack: Stack) => void) => {
  const stack = new Stack(fastApp(), 'Stack', { env: somewhere })
  const log = new Millrace(stack, 'Log')
  const role = new Role(stack, 'Caller', { assumedBy: new AccountPrincipal('123456789012') })
  grant(log, role, stack)
  const template = Template.fromStack(stack)
  const statements = resourcesOf(template, 'AWS::IAM::Policy').flatMap(({ Properties }) => {
    // As CloudFormation has it.
    const { PolicyDocument, Roles } = resolved(Properties) as {
      PolicyDocument: { Statement: Statement[] }
      Roles: unknown
    }
    return isCallers(Roles) ? PolicyDocument.Statement : []
  })
  const items = resourcesOf(template, 'Custom::MillraceGrants').map(({ Properties }) => resolved(Properties))
  const may = (call: string): boolean =>
    decide(statements, { action: 'execute-api:Invoke', resource: api + call, context: {} }).allowed
  return { template, statements, items, may }
}

/** Every call of every route, as a path with these names in it. */
const callsWith = (topic: string, group: string): readonly { readonly call: string; readonly class: RouteClass }[] => {
  const values: Record<string, string> = { cluster: 'c'.repeat(22), topic, group, instance: 'i', partition: '12' }
  const pathOf = (key: string) =>
    key.replace(/^(\w+) \//, '$1/').replace(/\{(\w+)\}/g, (_, name) => values[name] ?? 'x')
  return functionNames.flatMap((name) =>
    routes[name].flatMap((key: string) => {
      const found = routeClasses[key]
      if (found === undefined) throw new Error(`${key} has no class in functions/access.ts`)
      if (typeof found === 'string') return [{ call: pathOf(key), class: found }]
      return Object.entries(found).map(([verb, ofVerb]) => ({
        call: pathOf(key.replace('{verb}', verb)),
        class: ofVerb,
      }))
    }),
  )
}

const opened = (may: (call: string) => boolean, topic: string, group: string) =>
  callsWith(topic, group).filter(({ call }) => may(call))

/** Names that are made to be mistaken for parts of paths. */
const oddNames = ['other', 'records', 'partitions', 'topics', 'consumer-groups', 'instances', 'offsets', 'configs', '-']

describe('the classes of routes', () => {
  it('are complete, and name no route that is not there', () => {
    const deployed = functionNames.flatMap((name): readonly string[] => routes[name])
    expect(Object.keys(routeClasses).toSorted()).toEqual(deployed.toSorted())
  })
})

describe('grantProduce', () => {
  const { may } = granting((log, role) => log.grantProduce(role, 'orders'))

  it('opens all ways to append to the topic, and what tells of it', () => {
    for (const { call, class: kind } of callsWith('orders', 'g'))
      if (kind === 'produce') expect([call, may(call)]).toEqual([call, true])
    expect(may(`POST/v3/clusters/${'c'.repeat(22)}/topics/orders/records%3Abatch`)).toBe(true)
    for (const path of ['topics', 'topics/orders', 'topics/orders/partitions', 'topics/orders/partitions/3/offsets'])
      expect([path, may(`GET/${path}`)]).toEqual([path, true])
  })

  it('opens nothing that reads, changes, or belongs to another topic', () => {
    for (const { call, class: kind } of opened(may, 'orders', 'g'))
      expect([call, kind]).not.toContainEqual(expect.stringMatching(/^(consume|admin)$/))
    for (const name of oddNames) {
      const own = opened(may, name, name).filter(({ call }) => call.includes(`/${name}`) && !isGeneral(call))
      expect(own).toEqual([])
    }
  })

  it('to every topic opens no records and no change', () => {
    const all = granting((log, role) => log.grantProduce(role))
    expect(all.may('POST/topics/any')).toBe(true)
    for (const name of ['any', ...oddNames])
      for (const { call, class: kind } of opened(all.may, name, name))
        expect([call, kind]).not.toContainEqual(expect.stringMatching(/^(consume|admin)$/))
  })
})

/** Calls that name neither topic nor group: lists, which the functions filter. */
const isGeneral = (call: string): boolean => callsWith('\u0001', '\u0002').some((each) => each.call === call)

describe('grantConsume', () => {
  const { may } = granting((log, role) => log.grantConsume(role, { group: 'billing', topic: 'orders' }))

  it('opens all of the group, and reads of the topic', () => {
    for (const { call, class: kind } of callsWith('orders', 'billing'))
      if (kind === 'consume' || kind === 'describe') expect([call, may(call)]).toEqual([call, true])
    expect(may('POST/consumers/billing')).toBe(true)
  })

  it('opens nothing that writes or changes, and no other group or topic', () => {
    for (const { call, class: kind } of opened(may, 'orders', 'billing'))
      expect([call, kind]).not.toContainEqual(expect.stringMatching(/^(produce|admin)$/))
    for (const name of oddNames)
      expect(opened(may, name, name).filter(({ call }) => call.includes(`/${name}`) && !isGeneral(call))).toEqual([])
    expect(may('POST/consumers/billing2')).toBe(false)
  })

  it('of everything opens every group and topic, and still no change', () => {
    const all = granting((log, role) => log.grantConsume(role))
    for (const name of ['any', ...oddNames])
      for (const { call, class: kind } of callsWith(name, name))
        expect([call, all.may(call)]).toEqual([call, kind === 'consume' || kind === 'describe' || kind === 'frame'])
  })
})

describe('the grants item', () => {
  it('is one for a grantee, with all its grants, in place before the policy', () => {
    const { template, items } = granting((log, role) => {
      log.grantProduce(role, 'a')
      log.grantConsume(role, { group: 'g', topic: 'b' })
      log.grantProduce(role, 'c')
    })
    expect(items).toEqual([
      expect.objectContaining({
        account: '123456789012',
        kind: 'role',
        name: expect.stringMatching(/^Caller/),
        produce: ['a', 'c'],
        consume: [{ group: 'g', topic: 'b' }],
        admin: 'false',
      }),
    ])
    const policies = Object.values(template.findResources('AWS::IAM::Policy')) as {
      readonly DependsOn?: string[]
      readonly Properties: { readonly Roles: unknown }
    }[] // untyped JSON
    const policy = policies.find(({ Properties }) => isCallers(Properties.Roles))
    const [item = ''] = Object.keys(template.findResources('Custom::MillraceGrants'))
    expect(policy?.DependsOn).toContain(item)
  })

  it('holds one who may call every route to nothing', () => {
    const { items } = granting((log, role) => {
      log.grantProduce(role, 'a')
      log.grantInvoke(role)
    })
    expect(items).toEqual([expect.objectContaining({ admin: 'true' })])
    expect(granting((log, role) => log.grantInvoke(role)).items).toEqual([])
  })

  it('lies in the stack of the grantee, so that neither stack waits for the other', () => {
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
    const log = new Millrace(new Stack(app, 'Log', { env: somewhere }), 'Log')
    const stack = new Stack(app, 'App', { env: somewhere })
    log.grantProduce(new Role(stack, 'Caller', { assumedBy: new AccountPrincipal('123456789012') }), 'orders')
    Template.fromStack(stack).resourceCountIs('Custom::MillraceGrants', 1)
  })

  it('names users, and refuses what no caller can be known by', () => {
    const { items } = granting((log, _role, stack) => log.grantProduce(new User(stack, 'Ann'), 'orders'))
    expect(items).toEqual([expect.objectContaining({ kind: 'user', name: expect.stringMatching(/^Ann/) })])
    expect(() => granting((log, _role, stack) => log.grantProduce(new Group(stack, 'Team')))).toThrow('roles and users')
    expect(() => granting((log) => log.grantProduce(new AccountPrincipal('1')))).toThrow('roles and users')
    expect(() => granting((log, role) => log.grantProduce(role, 'a/b'))).toThrow('topic')
    expect(() => granting((log, role) => log.grantConsume(role, { group: 'a b' }))).toThrow('group')
  })
})

it('more grants than IAM has room for fail while synthesizing', () => {
  const names = Array.from({ length: 20 }, (_, at) => `a-topic-with-a-name-${at}`)
  const grantAll = (log: Millrace, role: Role) => {
    for (const name of names) log.grantProduce(role, name)
  }
  expect(() => granting(grantAll)).toThrow('no room')
})

it('the writer of grants may write those and nothing else, and is there only where something is granted', () => {
  const { template } = granting((log, role) => log.grantProduce(role, 'orders'))
  const writers = resourcesOf(template, 'AWS::IAM::Role').filter(({ Properties }) =>
    JSON.stringify(Properties).includes('grants'),
  )
  const [role] = writers.filter(({ Properties }) => /grants function/.test(String(Properties?.Description)))
  expect(JSON.stringify(role)).toContain('"dynamodb:LeadingKeys":["grants/*"]')
  expect(JSON.stringify(role)).not.toContain('s3:')
  expect(
    granting(() => {}).template.findResources('AWS::Lambda::Function', {
      Properties: { Description: 'Millrace: grants' },
    }),
  ).toEqual({})
})
