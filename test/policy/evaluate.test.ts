import { describe, expect, it } from 'vitest'
import { type Call, decide, type Statement, unusedGrants } from './evaluate.ts'

const table = 'arn:aws:dynamodb:us-east-1:1:table/log'
const call = (action: string, resource: string, leadingKeys?: readonly string[]): Call => ({
  action,
  resource,
  context: leadingKeys === undefined ? {} : { 'dynamodb:LeadingKeys': leadingKeys },
})
const allow = (rest: Partial<Statement> = {}): Statement => ({
  Sid: 'Read',
  Effect: 'Allow',
  Action: ['dynamodb:GetItem', 'dynamodb:Query'],
  Resource: table,
  ...rest,
})
const permits = (statements: readonly Statement[], it: Call): boolean => decide(statements, it).allowed

describe('the policy evaluator', () => {
  it('allows what a statement names, and nothing else', () => {
    expect(permits([allow()], call('dynamodb:GetItem', table))).toBe(true)
    expect(permits([allow()], call('dynamodb:PutItem', table))).toBe(false)
    expect(permits([allow()], call('dynamodb:GetItem', `${table}2`))).toBe(false)
    expect(permits([], call('dynamodb:GetItem', table))).toBe(false)
  })

  it('lets a Deny win, in whatever order they stand', () => {
    const deny: Statement = { Effect: 'Deny', Action: 'dynamodb:*', Resource: '*' }
    expect(permits([allow(), deny], call('dynamodb:GetItem', table))).toBe(false)
    expect(permits([deny, allow()], call('dynamodb:GetItem', table))).toBe(false)
  })

  it('reads * in a resource across slashes, ? as one character, and every other character as itself', () => {
    const put = allow({ Action: 's3:PutObject', Resource: 'arn:aws:s3:::b.1/blobs/*' })
    expect(permits([put], call('s3:PutObject', 'arn:aws:s3:::b.1/blobs/ab/01J'))).toBe(true)
    expect(permits([put], call('s3:PutObject', 'arn:aws:s3:::b.1/segments/01J'))).toBe(false)
    expect(permits([put], call('s3:PutObject', 'arn:aws:s3:::bx1/blobs/ab'))).toBe(false)
    expect(permits([allow({ Resource: `${table.slice(0, -1)}?` })], call('dynamodb:Query', table))).toBe(true)
  })

  it('compares action names without case', () => {
    expect(permits([allow({ Action: 'DynamoDB:getitem' })], call('dynamodb:GetItem', table))).toBe(true)
  })

  it('holds every leading key of a call to ForAllValues:StringLike', () => {
    const heads = allow({ Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['h/*', 'topics'] } } })
    expect(permits([heads], call('dynamodb:GetItem', table, ['h/x/0', 'topics']))).toBe(true)
    expect(permits([heads], call('dynamodb:GetItem', table, ['h/x/0', 'offsets/g']))).toBe(false)
    expect(permits([heads], call('dynamodb:GetItem', table, ['topics2']))).toBe(false)
  })

  it('takes a call without the key as fulfilling ForAllValues, as IAM does, but not StringLike', () => {
    const forAll = allow({ Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': 'h/*' } } })
    const like = allow({ Condition: { StringLike: { 'dynamodb:LeadingKeys': 'h/*' } } })
    expect(permits([forAll], call('dynamodb:GetItem', table))).toBe(true)
    expect(permits([like], call('dynamodb:GetItem', table))).toBe(false)
  })

  it('refuses to guess at what it does not know', () => {
    const strange = allow({ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } })
    expect(() => decide([strange], call('dynamodb:GetItem', table))).toThrow('IpAddress')
    const inverted = { Effect: 'Allow', NotAction: 's3:*', Action: 's3:*', Resource: '*' } as Statement // not of the type: on purpose
    expect(() => decide([inverted], call('dynamodb:GetItem', table))).toThrow('NotAction')
  })

  it('tells which grants no call has needed', () => {
    expect(unusedGrants([allow()], [call('dynamodb:GetItem', table)])).toEqual(['Read: dynamodb:Query'])
  })
})
