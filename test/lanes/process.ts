/** Starts and stops the servers that lanes need. */
import { execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs a tool to its end; says which one is missing, or what it said when it failed. */
export async function tool(command: string, args: readonly string[]): Promise<void> {
  try {
    await run(command, args, { maxBuffer: 64 * 1024 * 1024 })
  } catch (error) {
    // Node's ExecException: the code of a failed start, what the tool printed.
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string }
    if (code === 'ENOENT') throw new Error(`this lane needs \`${command}\` on the PATH`, { cause: error })
    throw new Error(`${command} ${args.join(' ')} failed\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** What it prints; nothing where there is no such command, or it fails. */
export async function outputOf(command: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(command, args)).stdout
  } catch {
    return ''
  }
}

/** Below what any system gives to whoever asks for any port: 32768 on Linux, 49152 elsewhere. */
const ports = { from: 15_000, below: 32_000 }

/**
 * A port that nobody listened on a moment ago, for a server that is started after it is chosen, or once more at the same address. No
 * connection, and no listener that takes any port, is given it in between.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(ports.from, ports.below)
    if (await canListen(port)) return port
  }
  throw new Error('no free port')
}

const canListen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

export type Running = { readonly url: string; stop(): Promise<void> }

export type Start = {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly url: string
  /** Asked for until it answers anything at all. */
  readonly readyPath: string
}

const readyWithinMs = 60_000

/** Starts a server and resolves once it answers; `stop` ends it and whatever it started. */
export async function startServer({ command, args, cwd, env, url, readyPath }: Start): Promise<Running> {
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-10_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  let failed: string | undefined
  child.on('error', (error) => {
    failed = error.message
  })
  const ended = new Promise<void>((resolve) =>
    child.on('exit', (code) => {
      failed ??= `exit code ${code}`
      resolve()
    }),
  )
  const kill = (signal: NodeJS.Signals) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    try {
      // Its own process group (`detached`), so that its children go too.
      process.kill(-child.pid, signal)
    } catch {
      // Gone already is as good.
    }
  }
  const stop = async () => {
    kill('SIGTERM')
    const patience = setTimeout(() => kill('SIGKILL'), 5_000)
    await ended
    clearTimeout(patience)
  }
  process.once('exit', () => kill('SIGKILL'))
  const deadline = Date.now() + readyWithinMs
  while (!(await answers(url + readyPath))) {
    if (failed !== undefined) throw new Error(`${command} did not start: ${failed}\n${output}`)
    if (Date.now() > deadline) {
      await stop()
      throw new Error(`${command} did not answer within ${readyWithinMs} ms\n${output}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return { url, stop }
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(1_000) })
    return true
  } catch {
    return false
  }
}
