/**
 * Holds the synthesized template to CloudFormation's own schemas, with cfn-lint. Needs `python3` with `venv` and, the first time,
 * PyPI, from which cfn-lint is installed into `.lanes/cfn-lint/`.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { MillraceStack } from '../../../infra/stack.ts'
import { tool } from '../process.ts'

const version = '1.58.0'
const home = fileURLToPath(new URL('../../../.lanes/cfn-lint/', import.meta.url))
const venv = join(home, version)
const command = join(venv, 'bin', 'cfn-lint')

if (!existsSync(command)) {
  mkdirSync(home, { recursive: true })
  await tool('python3', ['-m', 'venv', venv])
  await tool(join(venv, 'bin', 'pip'), ['install', '--quiet', `cfn-lint==${version}`])
}
// The functions' code is no part of the template: CDK's own switch leaves it unbundled.
const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
const template = join(home, 'template.json')
writeFileSync(template, JSON.stringify(Template.fromStack(new MillraceStack(app, 'Millrace')).toJSON(), null, 2))
// W3005: CDK states a function's dependency on its role although the reference to the role implies it; harmless, and not ours.
await tool(command, ['--ignore-checks', 'W3005', '--', template])
console.log(`cfn-lint ${version}: no findings`)
