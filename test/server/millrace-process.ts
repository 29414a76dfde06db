import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export type Exit = { readonly code: number | null; readonly out: string; readonly err: string }

export type Millrace = {
  /** Taken from the ready line. */
  readonly url: string
  /** `host:port` of the Kafka port. */
  readonly kafka: string
  readonly readyLine: string
  /** What it has written to standard error so far. */
  err(): string
  signal(name: NodeJS.Signals): void
  readonly exited: Promise<Exit>
}

const root = resolve(import.meta.dirname, '../..')
const running = new Set<ChildProcess>()

/** Runs the command line to its end. */
export function runMillrace(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Exit> {
  return launch(args, env).exited
}

/** Runs `millrace start` on a free port until it is ready. Rejects where it ends before. */
export function startMillrace(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Millrace> {
  const { child, exited, output } = launch(['start', '--http', '0', '--kafka', '0', ...args], env)
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', () => {
      const [readyLine, rest] = output.out.split('\n')
      const [, url, kafka] = /^millrace ready: (http:\S+) and Kafka at (\S+)/.exec(readyLine ?? '') ?? []
      if (!readyLine || !url || !kafka || rest === undefined) return
      resolve({ url, kafka, readyLine, exited, err: () => output.err, signal: (name) => void child.kill(name) })
    })
    void exited.then((exit) => reject(new Error(`ended before it was ready: ${JSON.stringify(exit)}`)))
  })
}

/** Runs `millrace connect` on a free port until it is ready; `url` is the far end's. */
export function startConnect(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Millrace> {
  const { child, exited, output } = launch(['connect', '--port', '0', ...args], env)
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', () => {
      const [readyLine, rest] = output.out.split('\n')
      const [, kafka, url] = /^millrace connect ready: Kafka at (\S+) \((\S+)\)/.exec(readyLine ?? '') ?? []
      if (!readyLine || !url || !kafka || rest === undefined) return
      resolve({ url, kafka, readyLine, exited, err: () => output.err, signal: (name) => void child.kill(name) })
    })
    void exited.then((exit) => reject(new Error(`ended before it was ready: ${JSON.stringify(exit)}`)))
  })
}

function launch(args: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const output = { out: '', err: '' }
  child.stdout?.on('data', (data) => {
    output.out += data
  })
  child.stderr?.on('data', (data) => {
    output.err += data
  })
  const exited = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      running.delete(child)
      resolve({ code, ...output })
    })
  })
  return { child, exited, output }
}

/** Kills what a test left behind. */
export async function killAll(): Promise<void> {
  const ends = [...running].map((child) => new Promise((resolve) => child.once('close', resolve)))
  for (const child of running) child.kill('SIGKILL')
  await Promise.all(ends)
}

/** A fresh folder, gone when the test is. */
export async function inFreshFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-'))
  try {
    return await use(folder)
  } finally {
    await killAll()
    await rm(folder, { recursive: true, force: true })
  }
}

const json = 'application/vnd.kafka.json.v2+json'

/** Produces JSON values to a topic; the offsets they got. */
export async function produce(url: string, topic: string, values: readonly unknown[]): Promise<(number | null)[]> {
  const response = await fetch(`${url}/topics/${topic}`, {
    method: 'POST',
    headers: { 'content-type': json },
    body: JSON.stringify({ records: values.map((value) => ({ value })) }),
  })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  // The cast: the contract's answer.
  const { offsets } = (await response.json()) as { offsets: { offset: number | null }[] }
  return offsets.map(({ offset }) => offset)
}

/** The values of partition 0 from offset 0. */
export async function valuesOf(url: string, topic: string): Promise<unknown[]> {
  const response = await fetch(`${url}/topics/${topic}/partitions/0/records?offset=0&timeout=0&max_bytes=1000000`, {
    headers: { accept: json },
  })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  // The cast: the contract's answer.
  return ((await response.json()) as { value: unknown }[]).map(({ value }) => value)
}
