/** A Millrace of our own, with its data in a folder that goes with it. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export type LocalServer = { readonly url: string; stop(): Promise<void> }

/** Resolves once it is ready; rejects where it ends before. */
export async function startServer(): Promise<LocalServer> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-demo-'))
  const args = [
    '--import',
    'tsx',
    'src/cli/main.ts',
    'start',
    '--http',
    '0',
    '--kafka',
    '0',
    '--data',
    join(folder, 'data'),
  ]
  const child = spawn(process.execPath, args, {
    cwd: resolve(import.meta.dirname, '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const kill = () => child.kill()
  process.once('exit', kill)
  const exited = new Promise<number | null>((done, reject) => child.on('error', reject).on('exit', done))
  const stop = async () => {
    process.off('exit', kill)
    kill()
    await exited
    await rm(folder, { recursive: true, force: true })
  }
  const ready = new Promise<string>((done) => {
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
      const url = /^millrace ready: (http:\S+)/m.exec(output)?.[1]
      if (url) done(url)
    })
  })
  const ended = exited.then((code) => {
    throw new Error(`the server ended before it was ready, with code ${code}`)
  })
  try {
    return { url: await Promise.race([ready, ended]), stop }
  } catch (error) {
    await stop()
    throw error
  }
}
