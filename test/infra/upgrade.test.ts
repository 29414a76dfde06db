import { Match, Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { MillraceStack } from '../../infra/stack.ts'
import pinned from './pinned.json' with { type: 'json' }
import { fastApp } from './synth.ts'

describe('an upgrade of the deployed stack', () => {
  const template = Template.fromStack(new MillraceStack(fastApp(), 'Millrace'))

  for (const [what, { logicalId, type, properties }] of Object.entries(pinned))
    it(`keeps its ${what}: the logical id and all that CloudFormation replaces it for`, () => {
      expect(Object.keys(template.findResources(type))).toEqual([logicalId])
      template.hasResourceProperties(type, Match.objectLike(properties))
    })

  it('names neither table nor bucket, so that a replacement could never collide or be lost unseen', () => {
    template.hasResourceProperties(pinned.table.type, { TableName: Match.absent() })
    template.hasResourceProperties(pinned.bucket.type, { BucketName: Match.absent() })
  })
})
