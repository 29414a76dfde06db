/** Deploys the stack with the `cdk` command, as an operator would, and destroys it again. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemClock } from '../../../src/runtime/system.ts'
import { openAws } from '../../../src/store/aws/open.ts'
import { type Credentials, signedSend } from '../../e2e/calls.ts'
import type { TemplateJson } from '../../policy/role-policies.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../', import.meta.url))
const home = join(root, '.lanes', 'localstack')
const assembly = join(home, 'cdk.out')

/** The account and the credentials that LocalStack and MiniStack know without being told. */
export const account = '000000000000'
export const region = 'us-east-1'
export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

export type Deployment = {
  readonly table: string
  readonly bucket: string
  /** The API's address on the emulator. */
  readonly url: string
  /** A role that may read topic `granted` for group `granted`, and nothing else. */
  readonly readerArn: string
  readonly template: TemplateJson
  readonly deploySeconds: number
}

/** Nothing of this machine's but the PATH: a profile or a proxy of the operator's would lead elsewhere. */
const environment = (endpoint: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: home,
  AWS_ENDPOINT_URL: endpoint,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_EC2_METADATA_DISABLED: 'true',
})

const cdk = async (endpoint: string, ...args: readonly string[]): Promise<void> => {
  const command = join(root, 'node_modules', '.bin', 'cdk')
  try {
    await run(command, ['--no-notices', '--output', assembly, ...args], {
      cwd: root,
      env: environment(endpoint),
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string } // what Node's execFile rejects with
    throw new Error(`cdk ${args.join(' ')} failed\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** The deployed stack, with callers beside it who may do less than an operator. */
const app = 'node_modules/.bin/tsx test/lanes/localstack/app.ts'
const context = (stack: string): readonly string[] => ['--app', app, '-c', `stack=${stack}`]

export const deploy = async (endpoint: string, stack: string): Promise<Deployment> => {
  mkdirSync(home, { recursive: true })
  await cdk(endpoint, 'bootstrap', `aws://${account}/${region}`, ...context(stack))
  const outputsFile = join(home, 'outputs.json')
  const started = performance.now()
  await cdk(endpoint, 'deploy', '--require-approval', 'never', '--outputs-file', outputsFile, ...context(stack))
  const deploySeconds = (performance.now() - started) / 1000
  // The files of the `cdk` command: outputs by stack, the template as deployed.
  const outputs = (JSON.parse(readFileSync(outputsFile, 'utf8')) as Record<string, Record<string, string>>)[stack] ?? {}
  const template = JSON.parse(readFileSync(join(assembly, `${stack}.template.json`), 'utf8')) as TemplateJson
  const { Url: url = '', TableName: table = '', BucketName: bucket = '', ReaderArn: readerArn = '' } = outputs
  const [api = ''] = new URL(url).hostname.split('.')
  return { table, bucket, url: `${endpoint}/_aws/execute-api/${api}/$default`, readerArn, template, deploySeconds }
}

/** Empties the bucket first, as S3 asks for, and destroys the stack. Returns seconds. */
export const destroy = async (endpoint: string, stack: string, { table, bucket }: Deployment): Promise<number> => {
  const { stores } = openAws({ table, bucket, endpoint, region, credentials, clock: systemClock })
  try {
    for (;;) {
      const found = await stores.objects.list('', { limit: 1000 })
      if (found.length === 0) break
      await stores.objects.delete(found.map(({ key }) => key))
    }
  } finally {
    await stores.close()
  }
  const started = performance.now()
  await cdk(endpoint, 'destroy', '--force', ...context(stack))
  return (performance.now() - started) / 1000
}

type Configuration = {
  readonly FunctionName: string
  readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> }
}

/** The functions of one deployment. */
const functionsOf = async (endpoint: string, { table }: Deployment): Promise<Configuration[]> => {
  const listed = await signedSend(credentials, region, 'lambda')(
    'GET',
    new URL('/2015-03-31/functions/', endpoint),
    {},
    undefined,
  )
  const { Functions } = (await listed.json()) as { Functions: Configuration[] } // Lambda's ListFunctions
  return Functions.filter(({ Environment }) => Environment?.Variables?.MILLRACE_TABLE === table)
}

const isNamed = ({ Environment }: Configuration, name: string): boolean =>
  Environment?.Variables?.AWS_SDK_UA_APP_ID === `millrace-${name}`

/** Sends the functions of one deployment to AWS through another address. */
export const redirect = async (endpoint: string, deployment: Deployment, through: string): Promise<void> => {
  const send = signedSend(credentials, region, 'lambda')
  for (const found of await functionsOf(endpoint, deployment)) {
    // The writer of grants works for CloudFormation, also when nobody listens at that address any more.
    if (isNamed(found, 'grants')) continue
    const { FunctionName, Environment: { Variables = {} } = {} } = found
    const body = JSON.stringify({ Environment: { Variables: { ...Variables, AWS_ENDPOINT_URL: through } } })
    const url = new URL(`/2015-03-31/functions/${FunctionName}/configuration`, endpoint)
    const answer = await send('PUT', url, { 'content-type': 'application/json' }, body)
    if (!answer.ok) throw new Error(`${FunctionName} was not redirected: ${answer.status} ${await answer.text()}`)
  }
}

/** Runs a function that nobody calls over HTTP, as the schedule does, and waits for its end. Throws where it fails. */
export const invoke = async (endpoint: string, deployment: Deployment, name: string): Promise<void> => {
  const found = (await functionsOf(endpoint, deployment)).find((one) => isNamed(one, name))
  if (!found) throw new Error(`there is no function ${name}`)
  const url = new URL(`/2015-03-31/functions/${found.FunctionName}/invocations`, endpoint)
  const answer = await signedSend(credentials, region, 'lambda')('POST', url, {}, '{}')
  const text = await answer.text()
  if (!answer.ok || answer.headers.has('x-amz-function-error')) throw new Error(`${name}: ${answer.status} ${text}`)
}

/** Credentials of a session in the role. */
export const assume = async (endpoint: string, roleArn: string): Promise<Credentials> => {
  const send = signedSend(credentials, region, 'sts')
  const form = new URLSearchParams({
    Action: 'AssumeRole',
    Version: '2011-06-15',
    RoleArn: roleArn,
    RoleSessionName: 'test',
  })
  const answer = await send(
    'POST',
    new URL('/', endpoint),
    { 'content-type': 'application/x-www-form-urlencoded' },
    form.toString(),
  )
  const text = await answer.text()
  const field = (name: string): string => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1] ?? ''
  const [accessKeyId, secretAccessKey] = [field('AccessKeyId'), field('SecretAccessKey')]
  if (accessKeyId === '') throw new Error(`No session in ${roleArn}: ${answer.status} ${text}`)
  return { accessKeyId, secretAccessKey, sessionToken: field('SessionToken') }
}
