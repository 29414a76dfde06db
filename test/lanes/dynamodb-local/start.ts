/**
 * DynamoDB Local, AWS's own emulator. Needs `java` (17 or newer) and, the first time, `mvn`, which brings it into
 * `.lanes/dynamodb-local/`. `DYNAMODB_LOCAL_URL` names one that runs already.
 */
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { freePort, type Running, startServer, tool } from '../process.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const home = fileURLToPath(new URL('../../../.lanes/dynamodb-local/', import.meta.url))

declare module 'vitest' {
  interface ProvidedContext {
    /** Where DynamoDB Local answers. */
    dynamodbUrl: string
  }
}

/** The jars and the native SQLite libraries, in one folder. */
async function install(): Promise<string> {
  const lib = join(home, 'lib')
  if (existsSync(lib)) return lib
  await mkdir(home, { recursive: true })
  // Renamed when whole, so that an interrupted download is not taken for an installation.
  const partial = join(home, `lib-${process.pid}`)
  await tool('mvn', [
    '-q',
    '-B',
    '-f',
    join(here, 'pom.xml'),
    'dependency:copy-dependencies',
    `-DoutputDirectory=${partial}`,
  ])
  await rename(partial, lib).catch(() => rm(partial, { recursive: true }))
  return lib
}

export async function startDynamodbLocal(): Promise<Running> {
  const given = process.env.DYNAMODB_LOCAL_URL
  if (given) return { url: given, stop: async () => {} }
  const lib = await install()
  const port = await freePort()
  const main = 'com.amazonaws.services.dynamodbv2.local.main.ServerRunner'
  return startServer({
    command: 'java',
    args: [
      '-Xmx512m',
      `-Djava.library.path=${lib}`,
      '-cp',
      `${lib}/*`,
      main,
      '-port',
      `${port}`,
      '-disableTelemetry',
      '-sharedDb',
      '-inMemory',
    ],
    cwd: home,
    env: process.env,
    url: `http://127.0.0.1:${port}`,
    readyPath: '/',
  })
}

/** Vitest's global set-up of the lane. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await startDynamodbLocal()
  project.provide('dynamodbUrl', url)
  return stop
}
