import { describe, expect, it } from 'vitest'
import { templateOf } from '../infra/synth.ts'
import { type Call, decide } from './evaluate.ts'
import { rolePolicies, type TemplateJson } from './role-policies.ts'

const tableArn = 'arn:aws:dynamodb:eu-west-1:1:table/t'
// `toJSON` is untyped; a template has resources.
const template = templateOf().toJSON() as TemplateJson
const policies = rolePolicies(template, (logicalId) => {
  const type = template.Resources[logicalId]?.Type
  if (type === 'AWS::DynamoDB::GlobalTable') return { ref: 't', arn: tableArn }
  if (type === 'AWS::S3::Bucket') return { ref: 'b', arn: 'arn:aws:s3:::b' }
  return { ref: logicalId, arn: logicalId }
})
const item = (action: string, ...keys: string[]): Call => ({
  action: `dynamodb:${action}`,
  resource: tableArn,
  context: { 'dynamodb:LeadingKeys': keys },
})
const object = (action: string, key: string): Call => ({ action, resource: `arn:aws:s3:::b/${key}`, context: {} })
const may = (name: string, call: Call): boolean => decide(policies.get(name) ?? [], call).allowed

describe('the synthesized roles', () => {
  it('let each function do its work', () => {
    expect(may('produce', item('UpdateItem', 'h/abc/0'))).toBe(true)
    expect(may('produce', object('s3:PutObject', 'blobs/ab/01J'))).toBe(true)
    expect(may('fetch', item('BatchGetItem', 'h/abc/0', 'h/abc/1'))).toBe(true)
    expect(may('fetch', object('s3:GetObject', 'segments/ab/x'))).toBe(true)
    expect(may('commit', item('UpdateItem', 'offsets/g'))).toBe(true)
    expect(may('topics', item('DeleteItem', 'topics', 'jobs'))).toBe(true)
  })

  it('let the schedule remove what is dead, but neither name a topic nor set an offset', () => {
    expect(may('maintain', item('DeleteItem', 'offsets/g'))).toBe(true)
    expect(may('maintain', item('UpdateItem', 'group/g'))).toBe(true)
    expect(may('maintain', item('DeleteItem', 'consumer/g'))).toBe(true)
    expect(may('maintain', item('UpdateItem', 'offsets/g'))).toBe(false)
    for (const key of ['h/abc/0', 'i/abc/0', 'b/1/00', 's/abc/0', 'jobs'])
      expect(may('maintain', item('DeleteItem', key))).toBe(true)
    for (const key of ['topics', 'cluster', 'grants/a', 'once/a'])
      expect(may('maintain', item('DeleteItem', key))).toBe(false)
    expect(may('maintain', object('s3:PutObject', 'blobs/ab/01J'))).toBe(false)
  })

  it('let whoever describes groups change none', () => {
    expect(may('groups', item('Query', 'groups/a'))).toBe(true)
    for (const action of ['UpdateItem', 'DeleteItem'])
      for (const key of ['group/g', 'groups/a', 'offsets/g', 'consumer/g'])
        expect(may('groups', item(action, key))).toBe(false)
  })

  it('keep a reader from changing the log, but for where it begins', () => {
    for (const name of ['fetch', 'commit']) {
      expect(may(name, item('UpdateItem', 'h/abc/0'))).toBe(true)
      expect(may(name, item('DeleteItem', 'h/abc/0'))).toBe(false)
      expect(may(name, item('UpdateItem', 'i/abc/0'))).toBe(false)
      expect(may(name, item('UpdateItem', 'b/1/00'))).toBe(false)
      expect(may(name, item('DeleteItem', 'topics'))).toBe(false)
      expect(may(name, object('s3:PutObject', 'blobs/ab/01J'))).toBe(false)
    }
  })

  it('keep a writer from reading records and from moving positions', () => {
    expect(may('produce', object('s3:GetObject', 'blobs/ab/01J'))).toBe(false)
    // A head it may read: every append is answered with it.
    expect(may('produce', item('BatchGetItem', 'b/490000/1f'))).toBe(false)
    expect(may('produce', item('UpdateItem', 'offsets/g'))).toBe(false)
    expect(may('produce', object('s3:PutObject', 'segments/ab/x'))).toBe(false)
  })

  it('keep everyone off other tables, other buckets and the bucket as a whole', () => {
    for (const name of policies.keys()) {
      expect(may(name, { ...item('GetItem', 'topics'), resource: `${tableArn}2` })).toBe(false)
      expect(may(name, item('Scan'))).toBe(false)
      expect(may(name, object('s3:DeleteObject', 'blobs/ab/01J'))).toBe(name === 'maintain')
    }
  })
})
