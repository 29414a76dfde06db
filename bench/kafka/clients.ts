/** The clients, each run as a process that says or takes a time. All with their own defaults but for what stands here. */
import { execFile, spawn } from 'node:child_process'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { installPython, nodeProgram } from '../../test/lanes/kafka-clients/install.ts'

const run = promisify(execFile)

export const acksOptions = { bytes: 100, warmup: 20, pauseMs: 10 }
/** Records that KafkaJS gives to one `send`, and sends that are under way. */
export const kafkajsOptions = { aSend: 500, atOnce: 6 }

export type Clients = {
  /** What the programs are, for the settings that are printed. */
  readonly versions: string
  ready(broker: string): Promise<void>
  create(broker: string, topic: string, partitions: number): Promise<void>
  delete(broker: string, topic: string): Promise<void>
  /** Milliseconds of each acknowledgement. */
  acks(broker: string, topic: string, count: number): Promise<readonly number[]>
  /** Records a second. */
  readonly throughput: { readonly [client: string]: Throughput }
}

export type Throughput = {
  produce(broker: string, topic: string, bytes: number, count: number): Promise<number>
  consume(broker: string, topic: string, count: number): Promise<number>
}

/** Installs them where they are not there yet; `folder` is for the records that kcat sends. */
export async function clientsIn(folder: string): Promise<Clients> {
  const python = await installPython()
  const node = await nodeProgram('kafkajs.mjs')
  const librdkafka = programOf(python, [], 'librdkafka.py', {})
  const kafkajs = programOf(node.file, [], 'kafkajs.mjs', node.env ?? {})
  const { stdout } = await run('kcat', ['-V'])
  const { version } = await librdkafka('localhost:1', 'version', {})
  return {
    versions: `kcat (${/librdkafka \S+/.exec(stdout)?.[0] ?? ''}), confluent-kafka (librdkafka ${version}), KafkaJS 2.2.4`,
    ready: async (broker) => void (await librdkafka(broker, 'ready', {})),
    create: async (broker, topic, partitions) => void (await librdkafka(broker, 'create', { topic, partitions })),
    delete: async (broker, topic) => void (await librdkafka(broker, 'delete', { topic })),
    acks: async (broker, topic, count) => (await librdkafka(broker, 'acks', { ...acksOptions, topic, count })).ms ?? [],
    throughput: {
      librdkafka: kcat(folder),
      KafkaJS: {
        produce: async (broker, topic, bytes, count) =>
          (await kafkajs(broker, 'produce', { ...kafkajsOptions, topic, bytes, count })).perSecond ?? 0,
        consume: async (broker, topic, count) => (await kafkajs(broker, 'consume', { topic, count })).perSecond ?? 0,
      },
    },
  }
}

type Said = { readonly perSecond?: number; readonly ms?: readonly number[]; readonly version?: string }

function programOf(file: string, args: readonly string[], program: string, env: NodeJS.ProcessEnv) {
  const path = fileURLToPath(new URL(`clients/${program}`, import.meta.url))
  return async (broker: string, command: string, options: object): Promise<Said> => {
    const { stdout } = await run(file, [...args, path, broker, command, JSON.stringify(options)], {
      env: { ...process.env, ...env },
      maxBuffer: 64 << 20,
    })
    // The cast: what the programs print.
    return JSON.parse(stdout) as Said
  }
}

/**
 * librdkafka without a slow language in front of it. Its times are those of the process, some 30 ms of start and connection
 * included, for both servers.
 */
function kcat(folder: string): Throughput {
  return {
    async produce(broker, topic, bytes, count) {
      const file = await recordsFile(folder, bytes, count)
      return count / (await timed(['-b', broker, '-P', '-t', topic, '-l', file]))
    },
    async consume(broker, topic, count) {
      return count / (await timed(['-b', broker, '-C', '-t', topic, '-o', 'beginning', '-c', `${count}`, '-q']))
    },
  }
}

const written = new Map<string, Promise<string>>()

/** One record a line. */
function recordsFile(folder: string, bytes: number, count: number): Promise<string> {
  const path = join(folder, `records-${bytes}-${count}`)
  const before = written.get(path)
  if (before) return before
  const made = writeFile(path, Buffer.alloc((bytes + 1) * count, `${'v'.repeat(bytes)}\n`)).then(() => path)
  written.set(path, made)
  return made
}

/** Seconds that kcat takes. */
async function timed(args: readonly string[]): Promise<number> {
  const sink = await open('/dev/null', 'w')
  try {
    const begun = performance.now()
    const child = spawn('kcat', args, { stdio: ['ignore', sink.fd, 'pipe'] })
    let said = ''
    child.stderr?.on('data', (data) => {
      said += data
    })
    const code = await new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    if (code !== 0) throw new Error(`kcat ${args.join(' ')} ended with ${code}\n${said}`)
    return (performance.now() - begun) / 1_000
  } finally {
    await sink.close()
  }
}
