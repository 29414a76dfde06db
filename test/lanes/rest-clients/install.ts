/**
 * kafka-bridge-client (https://pypi.org/project/kafka-bridge-client/), a client of REST Proxies as it is published. Needs `python3`
 * (3.10 or newer, with `venv`) and, the first time, PyPI, from which it is installed into `.lanes/rest-clients/`.
 */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tool } from '../process.ts'

const version = '0.7.1'
const home = fileURLToPath(new URL('../../../.lanes/rest-clients/', import.meta.url))

/** The path of a Python that has the client. */
export async function installClient(): Promise<string> {
  const venv = join(home, version)
  const python = join(venv, 'bin', 'python')
  const installed = join(venv, 'installed')
  if (existsSync(installed)) return python
  await mkdir(home, { recursive: true })
  await tool('python3', ['-m', 'venv', venv])
  await tool(join(venv, 'bin', 'pip'), ['install', '--quiet', `kafka-bridge-client==${version}`])
  await tool('touch', [installed])
  return python
}
