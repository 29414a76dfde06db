import { Command } from 'commander'
import { type FarEnd, FarEndError, farEnd, type Sign } from '../connect/far-end.ts'
import { relay } from '../connect/relay.ts'
import { requestFrame } from '../protocol/frame.ts'
import { systemClock } from '../runtime/system.ts'
import { type KafkaServer, startKafkaServer } from '../server/kafka/listener.ts'
import { type Address, address, addressText, wholeNumber } from './options.ts'
import { listenTrouble, orTrouble, Trouble } from './trouble.ts'

type ConnectOptions = {
  readonly port: number
  readonly host: string
  readonly advertise?: Address
  readonly region?: string
  readonly sign: boolean
  readonly longestPause: number
}

const stopGraceMs = 5_000
/** The same words again within this time are not written again. */
const repeatMs = 10_000

/** `millrace connect URL`: a Kafka port on this machine in front of a deployment that has no broker. */
export function connectCommand(): Command {
  return new Command('connect')
    .description('open a Kafka port on this machine in front of a deployment')
    .argument('<url>', "the deployment's URL, as `cdk deploy` printed it")
    .option('--port <port>', 'port for Kafka clients; 0: any free one', wholeNumber(0, 65_535), 9092)
    .option('--host <address>', 'address to listen on; whoever reaches it acts with your credentials', '127.0.0.1')
    .option('--advertise <host:port>', 'where Kafka clients are told to connect; else where it listens', address)
    .option('--region <region>', "the deployment's AWS region; else as in the URL, or AWS_REGION")
    .option('--no-sign', 'do not sign calls: for a server that asks nobody who they are')
    .option(
      '--longest-pause <ms>',
      'between two looks for new records while none come: shorter is quicker and dearer',
      wholeNumber(50, 60_000),
      2_000,
    )
    .action((url: string, options: ConnectOptions) => orTrouble(connect(url, options)))
}

async function connect(url: string, options: ConnectOptions): Promise<void> {
  if (!/^https?:\/\/[^/?#]+[^?#]*$/.test(url) || !URL.canParse(url)) throw new Trouble(`${url} is not an http(s) URL`)
  const sign = options.sign ? await signingFor(url, options.region) : undefined
  let far: FarEnd | undefined
  let kafka: KafkaServer
  try {
    kafka = await startKafkaServer({
      host: options.host,
      port: options.port,
      clock: systemClock,
      brokerAt(listening) {
        far = farEnd({ url, advertise: addressText(options.advertise ?? listening), ...(sign && { sign }) })
        return relay({ farEnd: far, clock: systemClock, longestPauseMs: options.longestPause, tell: teller() })
      },
    })
  } catch (error) {
    throw listenTrouble(error, options.host, options.port, '--port')
  }
  stopOnSignal(kafka, () => far?.close())
  try {
    if (far) await greet(far)
  } catch (error) {
    await kafka.stop(0)
    far?.close()
    throw error instanceof FarEndError ? new Trouble(`${url} does not answer as a deployment: ${error.message}`) : error
  }
  process.stdout.write(`millrace connect ready: Kafka at ${addressText(kafka)} (${url})\n`)
}

async function signingFor(url: string, asked: string | undefined): Promise<Sign> {
  // Which Node versions we run on is for package.json to say.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
  const { regionOf, signing } = await import('../connect/signing.ts')
  const region = asked ?? regionOf(url) ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION
  if (region === undefined) throw new Trouble('which AWS region is it? Say --region REGION (or --no-sign)')
  const sign = signing(region)
  return async (...call) => {
    try {
      return await sign(...call)
    } catch (error) {
      throw new FarEndError(
        'refused',
        `no AWS credentials to sign with: ${error instanceof Error ? error.message : error}`,
      )
    }
  }
}

/** A wrong URL or the wrong credentials are told at once, not to the first client. */
async function greet(far: FarEnd): Promise<void> {
  const header = { correlationId: 0, clientId: 'millrace-connect' }
  const request = { clientSoftwareName: 'millrace', clientSoftwareVersion: '1' }
  await far.send(Buffer.concat(requestFrame('apiVersions', 3, header, request)).subarray(4))
}

function teller(): (line: string) => void {
  const toldMs = new Map<string, number>()
  return (line) => {
    const nowMs = systemClock.uptime()
    if (nowMs - (toldMs.get(line) ?? Number.NEGATIVE_INFINITY) < repeatMs) return
    if (toldMs.size > 100) toldMs.clear()
    toldMs.set(line, nowMs)
    process.stderr.write(`millrace: ${line}\n`)
  }
}

/** The first signal stops cleanly; a second one, of an impatient user, at once. */
function stopOnSignal(kafka: KafkaServer, close: () => void): void {
  let stopping = false
  const stop = async () => {
    if (stopping) process.exit(1)
    stopping = true
    await kafka.stop(stopGraceMs)
    close()
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}
