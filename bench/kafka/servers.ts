/** The two servers, each in a process of its own over a fresh folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import about from '../../package.json' with { type: 'json' }
import { freePort, tool } from '../../test/lanes/process.ts'

export type Server = {
  readonly name: string
  /** `host:port` for Kafka clients. */
  readonly broker: string
  readonly pid: number
  stop(): Promise<void>
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const home = join(root, '.lanes/bench-kafka')
const readyWithinMs = 60_000
const stopWithinMs = 20_000

/** The broker's jars, in one folder; Maven brings them the first time. */
async function installKafka(): Promise<string> {
  const lib = join(home, 'lib')
  if (existsSync(lib)) return lib
  await mkdir(home, { recursive: true })
  // Renamed when whole, so that an interrupted download is not taken for an installation.
  const partial = join(home, `lib-${process.pid}`)
  const pom = fileURLToPath(new URL('pom.xml', import.meta.url))
  await tool('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`])
  await rename(partial, lib).catch(() => rm(partial, { recursive: true }))
  return lib
}

/** What `kafka-server-start.sh` gives the JVM. */
const javaArgs = [
  ...['-server', '-Xms1G', '-Xmx1G', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'],
  ...['-XX:InitiatingHeapOccupancyPercent=35', '-XX:+ExplicitGCInvokesConcurrent'],
]

/** `config/server.properties` as it comes, but for ports and folder. */
const kafkaProperties = (broker: number, controller: number, folder: string): string =>
  `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}
controller.listener.names=CONTROLLER
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=${folder}/logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
`

/** `settings`: more lines for `server.properties`; what is said twice holds as it is said here. */
export async function startKafka(folder: string, settings: Readonly<Record<string, string>> = {}): Promise<Server> {
  const classPath = join(await installKafka(), '*')
  await mkdir(folder, { recursive: true })
  const [broker, controller] = [await freePort(), await freePort()]
  const properties = join(folder, 'server.properties')
  const more = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(properties, kafkaProperties(broker, controller, folder) + more.join(''))
  const storage = [
    'kafka.tools.StorageTool',
    'format',
    '--standalone',
    '-t',
    'MkU3OEVBNTcwNTJENDM2Qg',
    '-c',
    properties,
  ]
  await tool('java', ['-cp', classPath, ...storage])
  return start('Kafka', broker, folder, 'java', [...javaArgs, '-cp', classPath, 'kafka.Kafka', properties])
}

/** The heap that `npm start` asks Node for. */
const heapArgs = /--initial-heap-size=\d+/.exec(about.scripts.start) ?? []

/** Millrace as `npm run build` packs it, run as `npm start` runs it. `nodeArgs` are for profiling. */
export async function startMillrace(folder: string, nodeArgs: readonly string[] = []): Promise<Server> {
  const outdir = join(home, 'millrace')
  await build({
    absWorkingDir: root,
    entryPoints: ['src/cli/main.ts'],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    outdir,
    logLevel: 'warning',
  })
  await mkdir(folder, { recursive: true })
  const port = await freePort()
  const options = ['start', '--http', '0', '--kafka', `${port}`, '--data', join(folder, 'data')]
  return start('Millrace', port, folder, process.execPath, [
    ...heapArgs,
    ...nodeArgs,
    join(outdir, 'main.js'),
    ...options,
  ])
}

async function start(
  name: string,
  port: number,
  cwd: string,
  command: string,
  args: readonly string[],
): Promise<Server> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const keep = (data: Buffer) => {
    said = (said + data).slice(-10_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const stop = async () => {
    process.off('exit', kill)
    await ended(child)
  }
  for (const deadline = Date.now() + readyWithinMs; !(await accepts(port)); ) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error(`${name} did not start\n${said}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return { name, broker: `127.0.0.1:${port}`, pid: child.pid ?? 0, stop }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const patience = setTimeout(() => child.kill('SIGKILL'), stopWithinMs)
  await exit
  clearTimeout(patience)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    const end = (does: boolean) => () => {
      socket.destroy()
      resolve(does)
    }
    socket.once('connect', end(true))
    socket.once('error', end(false))
  })
}
