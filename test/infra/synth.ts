import { App, type AppProps, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Millrace, type MillraceProps } from '../../infra/millrace.ts'

/** An app that synthesizes in milliseconds: CDK's own switch leaves the functions unbundled. */
export const fastApp = (props: AppProps = {}): App => new App({ ...props, context: { 'aws:cdk:bundling-stacks': [] } })

/** TableV2 wants to know its region where it has a key of the customer's. */
export const somewhere = { account: '123456789012', region: 'eu-west-1' }

export type Resource = {
  readonly Type: string
  readonly Properties?: Record<string, unknown>
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
}

/** A stack of one Millrace, made with these props, as CloudFormation would get it. */
export const templateOf = (props: MillraceProps | ((stack: Stack) => MillraceProps) = {}): Template => {
  const stack = new Stack(fastApp(), 'Stack', { env: somewhere })
  new Millrace(stack, 'Log', typeof props === 'function' ? props(stack) : props)
  return Template.fromStack(stack)
}

export const resourcesOf = (template: Template, type: string): readonly Resource[] =>
  Object.values<Resource>(template.findResources(type) as Record<string, Resource>) // untyped JSON of this known shape
