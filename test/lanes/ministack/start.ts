/**
 * MiniStack, an emulator of AWS with LocalStack's address and no Docker. Needs `python3` (3.10 or newer, with `venv`) and, the
 * first time, PyPI, from which it is installed into `.lanes/ministack/`. `AWS_ENDPOINT_URL` names one that runs already.
 */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { freePort, type Running, startServer, tool } from '../process.ts'

const version = '1.5.33'
const home = fileURLToPath(new URL(`../../../.lanes/ministack/`, import.meta.url))

declare module 'vitest' {
  interface ProvidedContext {
    /** Where MiniStack answers. */
    ministackUrl: string
  }
}

/** The path of the installed command. */
async function install(): Promise<string> {
  const venv = join(home, version)
  const command = join(venv, 'bin', 'ministack')
  if (existsSync(command)) return command
  await mkdir(home, { recursive: true })
  await tool('python3', ['-m', 'venv', venv])
  await tool(join(venv, 'bin', 'pip'), ['install', '--quiet', `ministack==${version}`])
  return command
}

export async function startMinistack(): Promise<Running> {
  const given = process.env.AWS_ENDPOINT_URL
  if (given) return { url: given, stop: async () => {} }
  const command = await install()
  const port = await freePort()
  return startServer({
    command,
    args: [],
    cwd: home,
    // Nothing of ours but the PATH: MiniStack hands its environment on to the Lambdas it runs.
    env: {
      PATH: process.env.PATH,
      HOME: home,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: `${port}`,
      SFTP_ENABLED: '0',
      IOT_MTLS_ENABLED: '0',
    },
    url: `http://127.0.0.1:${port}`,
    readyPath: '/_localstack/health',
  })
}

/** Vitest's global set-up of the lane. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await startMinistack()
  project.provide('ministackUrl', url)
  return stop
}
