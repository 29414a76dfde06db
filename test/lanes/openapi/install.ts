/**
 * Schemathesis (https://schemathesis.readthedocs.io/), which reads an OpenAPI document and tries to catch the server at not keeping
 * it. Needs `python3` (3.10 or newer, with `venv`) and, the first time, PyPI, from which it is installed into `.lanes/openapi/`.
 */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tool } from '../process.ts'

const version = '4.32.5'
export const home = fileURLToPath(new URL('../../../.lanes/openapi/', import.meta.url))

/** The path of the installed command. */
export async function installSchemathesis(): Promise<string> {
  const venv = join(home, version)
  const command = join(venv, 'bin', 'schemathesis')
  if (existsSync(command)) return command
  await mkdir(home, { recursive: true })
  await tool('python3', ['-m', 'venv', venv])
  await tool(join(venv, 'bin', 'pip'), ['install', '--quiet', `schemathesis==${version}`])
  return command
}
