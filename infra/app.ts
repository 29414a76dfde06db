/**
 * The app that `cdk deploy` runs. `-c stack=NAME` names the stack; `-c removal=destroy` gives up the protection of the table and
 * the bucket, for stacks that are thrown away.
 */
import { App, RemovalPolicy, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { MillraceStack } from './stack.ts'

const removalPolicies: Readonly<Record<string, RemovalPolicy>> = {
  retain: RemovalPolicy.RETAIN,
  destroy: RemovalPolicy.DESTROY,
}

const app = new App()
const name = String(app.node.tryGetContext('stack') ?? 'Millrace')
const removal = String(app.node.tryGetContext('removal') ?? 'retain')
const removalPolicy = removalPolicies[removal]
if (removalPolicy === undefined) throw new Error(`-c removal=${removal}: choose retain or destroy`)
new MillraceStack(app, name, { millrace: { removalPolicy } })
Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
