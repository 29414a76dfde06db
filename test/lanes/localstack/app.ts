/** What the lane deploys: the stack of `infra/app.ts`, with a schedule that fires every minute, and a role that is granted a little. */
import { App, CfnOutput, RemovalPolicy } from 'aws-cdk-lib'
import { AccountPrincipal, Role } from 'aws-cdk-lib/aws-iam'
import { MillraceStack } from '../../../infra/stack.ts'

const app = new App()
const stack = new MillraceStack(app, String(app.node.tryGetContext('stack')), {
  millrace: { removalPolicy: RemovalPolicy.DESTROY, maintenanceMinutes: 1 },
})
const reader = new Role(stack, 'Reader', { assumedBy: new AccountPrincipal(stack.account) })
stack.log.grantConsume(reader, { group: 'granted', topic: 'granted' })
new CfnOutput(stack, 'ReaderArn', { value: reader.roleArn })
