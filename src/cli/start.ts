import { hostname } from 'node:os'
import { Command, Option } from 'commander'
import { newBroker } from '../broker/broker.ts'
import type { Cluster } from '../broker/cluster.ts'
import { oneNode } from '../broker/cluster-view.ts'
import { flushLimits, flushTogether } from '../broker/flush-together.ts'
import { type MaintenanceTimer, startTimer } from '../maintenance/timer.ts'
import { logTo } from '../observability/output.ts'
import type { Core } from '../runtime/core.ts'
import { defaultSettings } from '../runtime/settings.ts'
import { type HttpServer, startHttpServer } from '../server/http.ts'
import { type KafkaServer, startKafkaServer } from '../server/kafka/listener.ts'
import { localCore, localHandlers } from '../server/local-handlers.ts'
import type { Stores } from '../store/stores.ts'
import {
  type BrokerOptions,
  checkBrokerOptions,
  clusterAt,
  joinCluster,
  leaveCluster,
  releaseNode,
  withBrokerOptions,
} from './cluster.ts'
import { type Address, address, addressText, wholeNumber } from './options.ts'
import { openStores, type StoreOptions } from './stores.ts'
import { listenTrouble, orTrouble, Trouble } from './trouble.ts'

type StartOptions = StoreOptions &
  BrokerOptions & {
    readonly http: number
    readonly kafka: number
    readonly advertise?: Address
    readonly host: string
    readonly autoCreateTopics: boolean
    readonly defaultPartitions: number
    readonly maxPartitions: number
    readonly offsetsRetentionMinutes: number
    readonly maintenanceMinutes: number
    readonly cacheMb: number
    readonly verbose: boolean
  }

/** How long a stop waits for requests that are being answered. */
const stopGraceMs = 10_000

/** `millrace start`: the whole API on this machine, over files, memory, or DynamoDB and S3. `serve` is the same. */
export function startCommand(): Command {
  const partitions = wholeNumber(1, 10_000)
  const command = new Command('start')
    .alias('serve')
    .description('run the whole API on this machine')
    .option('--http <port>', 'port of the HTTP API; 0: any free one', wholeNumber(0, 65_535), 8082)
    .option('--kafka <port>', 'port for Kafka clients; 0: any free one', wholeNumber(0, 65_535), 9092)
    .option('--advertise <host:port>', 'where Kafka clients are told to connect; else where it listens', address)
    .option('--host <address>', 'address to listen on; the API does not ask who calls', '127.0.0.1')
    .option('--data <dir>', 'folder of the data', '.millrace')
    .addOption(
      new Option('--memory', 'keep everything in memory and forget it at the end').default(false).conflicts('data'),
    )
    .addOption(new Option('--store <kind>', 'where the data lives').choices(['local', 'aws']).default('local'))
    .option('--table <name>', 'DynamoDB table (--store aws)')
    .option('--bucket <name>', 'S3 bucket (--store aws)')
    .option('--auto-create-topics', 'create a topic when it is first used', defaultSettings.autoCreateTopics)
    .option('--no-auto-create-topics', 'answer that the topic is unknown')
    .option('--default-partitions <n>', 'partitions of a new topic', partitions, defaultSettings.defaultPartitions)
    .option('--max-partitions <n>', 'most partitions of one topic', partitions, defaultSettings.maxPartitions)
    .option(
      '--offsets-retention-minutes <n>',
      'how long offsets outlive their group',
      wholeNumber(1, 2 ** 31 - 1),
      defaultSettings.offsetsRetentionMinutes,
    )
    .option('--maintenance-minutes <n>', 'minutes between two runs of the maintenance', wholeNumber(1, 10_080), 5)
    .option('--cache-mb <n>', 'MiB of records kept in memory, the newest among them', wholeNumber(1, 65_536), 256)
    .option(
      '--verbose',
      'write one JSON line to standard error for each HTTP request and run of the maintenance',
      false,
    )
  return withBrokerOptions(command).action((options: StartOptions) => orTrouble(start(options)))
}

async function start(options: StartOptions): Promise<void> {
  if (options.defaultPartitions > options.maxPartitions) {
    throw new Trouble(
      `--default-partitions ${options.defaultPartitions} is more than --max-partitions ${options.maxPartitions}`,
    )
  }
  checkBrokerOptions(options)
  if (options.verbose) logTo({ write: (line) => process.stderr.write(`${line}\n`) })
  const { stores, clock, place } = await openStores(options)
  const core = localCore(stores, clock, { ...defaultSettings, ...settingsOf(options) })
  let server: HttpServer
  try {
    server = await startHttpServer({
      host: options.host,
      port: options.http,
      handlers: localHandlers(core),
      clock,
    })
  } catch (error) {
    await stores.close()
    throw listenTrouble(error, options.host, options.http)
  }
  let kafka: Door
  try {
    kafka = await startKafka(core, options)
  } catch (error) {
    await server.stop(0)
    await stores.close()
    throw listenTrouble(error, options.host, options.kafka, '--kafka')
  }
  try {
    await joinCluster(kafka.cluster)
  } catch (error) {
    await Promise.all([server.stop(0), kafka.server.stop(0)])
    await stores.close()
    throw error
  }
  const timer = startTimer(core, options.maintenanceMinutes * 60_000, (error) => {
    process.stderr.write(`millrace: maintenance failed, and is tried again: ${reasonOf(error)}\n`)
  })
  stopOnSignal([server, kafka.server], kafka.cluster, timer, stores)
  const member = kafka.cluster ? `, broker ${kafka.cluster.member.nodeId}` : ''
  process.stdout.write(`millrace ready: ${server.url} and Kafka at ${addressText(kafka.server)} (${place}${member})\n`)
}

/** Behind a wildcard address clients reach this machine by its name. */
const reachable = (at: Address): Address =>
  at.host === '0.0.0.0' || at.host === '::' ? { ...at, host: hostname() } : at

type Door = { readonly server: KafkaServer; readonly cluster: Cluster | undefined }

/** Over shared stores it is one of several brokers, else the only one. */
async function startKafka(core: Core, options: StartOptions): Promise<Door> {
  const report = (error: unknown) => void process.stderr.write(`millrace: a Kafka request failed: ${stackOf(error)}\n`)
  let cluster: Cluster | undefined
  const server = await startKafkaServer({
    host: options.host,
    port: options.kafka,
    clock: core.clock,
    brokerAt(listening) {
      const at = options.advertise ?? reachable(listening)
      cluster = clusterAt(core, at, options)
      return newBroker({
        core,
        view: cluster?.view ?? oneNode(at.host, at.port),
        append: flushTogether(core, flushLimits, report),
        appendsInOrder: true,
        report,
      })
    },
  })
  return { server, cluster }
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const settingsOf = (options: StartOptions) => {
  const { autoCreateTopics, defaultPartitions, maxPartitions, offsetsRetentionMinutes } = options
  const cache = { cacheBytes: options.cacheMb * 1024 * 1024, cachesAppended: true }
  return { autoCreateTopics, defaultPartitions, maxPartitions, offsetsRetentionMinutes, ...cache }
}

/** The first signal stops cleanly; a second one, of an impatient user, at once. */
function stopOnSignal(
  servers: readonly (HttpServer | KafkaServer)[],
  cluster: Cluster | undefined,
  timer: MaintenanceTimer,
  stores: Stores,
): void {
  let stopping = false
  const stop = async () => {
    if (stopping) process.exit(1)
    stopping = true
    const idle = timer.stop()
    await leaveCluster(cluster)
    await Promise.all([...servers.map((server) => server.stop(stopGraceMs)), idle])
    await releaseNode(cluster)
    await stores.close()
    // Not left to run out: a handler whose caller has gone may still be waiting for news.
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}
