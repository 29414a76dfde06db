import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../../..')
let folder: string

/** As a user would have it: the tarball that `npm publish` would send, installed into an empty project. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-package-'))
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root })
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? ''
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }))
  await run(
    'npm',
    ['install', '--silent', '--prefer-offline', `./${tarball}`, 'aws-cdk-lib', 'constructs', 'esbuild'],
    {
      cwd: folder,
    },
  )
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the package', () => {
  it('runs its command and keeps data on disk', async () => {
    // What npx would run; npx itself keeps signals from it.
    const command = join(folder, 'node_modules/.bin/millrace')
    const child = spawn(command, ['start', '--http', '0', '--kafka', '0'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    let ready = ''
    for await (const piece of child.stdout) {
      ready += piece
      if (ready.includes('\n')) break
    }
    expect(ready).toMatch(/^millrace ready: http:\S+ and Kafka at \S+ \(data in \.\/\.millrace\)\n$/)
    const url = /http:\S+/.exec(ready)?.[0] ?? ''
    const produced = await fetch(`${url}/topics/t`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.kafka.json.v2+json' },
      body: JSON.stringify({ records: [{ value: 1 }] }),
    })
    expect([produced.status, await produced.json()]).toMatchObject([200, { offsets: [{ partition: 0, offset: 0 }] }])
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(await readdir(folder)).toContain('.millrace')
  })

  it('gives the CDK construct, with its functions and its types', async () => {
    await writeFile(
      join(folder, 'app.ts'),
      `import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Millrace } from 'millrace/cdk'
const stack = new Stack(new App(), 'Mine')
new Millrace(stack, 'Log', {})
const count = (type: string) => Object.keys(Template.fromStack(stack).findResources(type)).length
console.log(count('AWS::DynamoDB::GlobalTable') + count('AWS::DynamoDB::Table'), count('AWS::Lambda::Function') >= 4)
`,
    )
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
    const options = ['--module', 'nodenext', '--target', 'es2023', '--strict', '--skipLibCheck', ...types]
    await run(process.execPath, [compiler, ...options, 'app.ts'], { cwd: folder })
    const { stdout } = await run(process.execPath, ['app.js'], { cwd: folder })
    expect(stdout.trim().split('\n').at(-1)).toBe('1 true')
  })
})
