/** A process that runs the Python client, and does what it is told. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** What the client calls its proxy: it speaks a little differently to each. */
export type Mode = 'strimzi' | 'confluent'

export type BridgeRecord = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** In base64: the client always asks for this format. */
  readonly key: string | null
  readonly value: string
}

export type Client = {
  create(group: string, name: string, topics: readonly string[], options?: { autoCommit?: boolean }): Promise<void>
  poll(timeoutMs?: number): Promise<BridgeRecord[]>
  get(count: number): Promise<BridgeRecord[]>
  commit(): Promise<void>
  delete(): Promise<void>
  send(topic: string, values: readonly (readonly [key: string, value: unknown])[], binary: boolean): Promise<boolean>
  /** SIGKILL: it has no chance to delete its consumer. */
  kill(): Promise<void>
}

const script = fileURLToPath(new URL('client.py', import.meta.url))
const running = new Set<ChildProcess>()

export function startClient(python: string, url: string, mode: Mode): Client {
  const child = spawn(python, [script, url, mode], { stdio: ['pipe', 'pipe', 'inherit'] })
  running.add(child)
  // Of one that has gone: `gone` tells.
  child.stdin.on('error', () => {})
  const gone = once(child, 'exit').then(() => {
    running.delete(child)
    // To whoever waits for an answer.
    return { value: JSON.stringify({ error: 'the client has gone' }) }
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (command: string, args: object = {}): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify([command, args])}\n`)
    const { value: line } = await Promise.race([lines.next(), gone])
    // The cast: what client.py prints.
    const said = JSON.parse(line) as { answer?: unknown; error?: string }
    if (said.error !== undefined) throw new Error(said.error)
    return said.answer
  }
  return {
    create: async (group, name, topics, { autoCommit = false } = {}) => {
      await ask('create', { group, name, topics, auto_commit: autoCommit, reset: 'earliest' })
    },
    // The casts: the contract's records, as the client hands them on.
    poll: async (timeoutMs = 1_000) => (await ask('poll', { timeout: timeoutMs })) as BridgeRecord[],
    get: async (count) => (await ask('get', { count })) as BridgeRecord[],
    commit: async () => {
      await ask('commit')
    },
    delete: async () => {
      await ask('delete')
    },
    send: async (topic, values, binary) => (await ask('send', { topic, values, binary })) === true,
    kill: async () => {
      child.kill('SIGKILL')
      await gone
    },
  }
}

export function killClients(): void {
  for (const child of running) child.kill('SIGKILL')
}
