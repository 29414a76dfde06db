import { isAbsolute, relative, resolve } from 'node:path'
import type { Clock } from '../runtime/clock.ts'
import { systemClock } from '../runtime/system.ts'
import type { ConnectionOptions } from '../store/aws/connection.ts'
import { StoreError } from '../store/errors.ts'
import type { Stores } from '../store/stores.ts'
import { Trouble } from './trouble.ts'

export type StoreOptions = {
  readonly data: string
  readonly memory: boolean
  readonly store: 'local' | 'aws'
  readonly table?: string
  readonly bucket?: string
  /** Only what is there is looked at or worked on: no table and no bucket is made for a name that was mistyped. */
  readonly mustExist?: boolean
}

export type OpenedStores = {
  readonly stores: Stores
  /** The clock to go by: over AWS's stores, corrected by what they say. */
  readonly clock: Clock
  /** Where the data is, for the ready line. */
  readonly place: string
  /** Makes deleted objects current again that the bucket still has versions of; how many. Of AWS's stores only. */
  readonly bringBack?: (keys: readonly string[]) => Promise<number>
}

/**
 * Opens what the options ask for. Adapters are loaded only where they are used: the AWS SDK alone takes a tenth of a second.
 * Throws `Trouble` or `StoreError` where the user can help.
 */
export async function openStores(options: StoreOptions): Promise<OpenedStores> {
  if (options.store === 'aws') return openAwsStores(options)
  if (options.table !== undefined || options.bucket !== undefined) {
    throw new Trouble('--table and --bucket go with --store aws')
  }
  if (options.memory) {
    const { memoryStores } = await import('../store/embedded/memory.ts')
    return { stores: memoryStores(systemClock.now), clock: systemClock, place: 'data in memory' }
  }
  const { openDisk } = await import('../store/embedded/disk.ts')
  const stores = await openDisk(resolve(options.data))
  return { stores, clock: systemClock, place: `data in ${shown(options.data)}` }
}

async function openAwsStores({ table, bucket, memory, mustExist = false }: StoreOptions): Promise<OpenedStores> {
  if (memory) throw new Trouble('--memory and --store aws exclude each other')
  if (!table || !bucket) throw new Trouble('--store aws needs --table NAME and --bucket NAME')
  // Which Node versions we run on is for package.json to say; the SDK would say it in six lines on every start.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
  const [{ openAws }, { ensureAws }, { bringBack }] = await Promise.all([
    import('../store/aws/open.ts'),
    import('../store/aws/ensure.ts'),
    import('../store/aws/bring-back.ts'),
  ])
  const aws = openAws({
    table,
    bucket,
    clock: systemClock,
    ...emulatorDefaults(),
  })
  try {
    await ensureAws(aws, !mustExist)
  } catch (error) {
    await aws.stores.close()
    throw inPlainWords(error, aws.connection.endpoint)
  }
  const at = aws.connection.endpoint ? ` at ${aws.connection.endpoint}` : ''
  return {
    stores: aws.stores,
    clock: aws.clock,
    place: `data in table ${table} and bucket ${bucket}${at}`,
    bringBack: (keys) => bringBack(aws.bucket, keys),
  }
}

/** What the SDK says of its own surroundings, as advice. */
function inPlainWords(error: unknown, endpoint: string | undefined): unknown {
  if (!(error instanceof StoreError)) return error
  if (error.message.includes('Region is missing')) return new Trouble('which AWS region is it? Set AWS_REGION')
  if (error.trouble !== 'unavailable' || endpoint === undefined) return error
  return new Trouble(`${endpoint} cannot be reached (${error.message})`)
}

/** An emulator takes any credentials and any region, but the SDK insists on some. */
function emulatorDefaults(): Pick<ConnectionOptions, 'region' | 'credentials'> {
  const env = process.env
  if (!env.AWS_ENDPOINT_URL) return {}
  const region = env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? 'us-east-1'
  const known = env.AWS_ACCESS_KEY_ID !== undefined || env.AWS_PROFILE !== undefined
  return { region, ...(known ? {} : { credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }) }
}

/** As the user would write it: `./x` below the current folder, else absolute. */
function shown(dir: string): string {
  const below = relative(process.cwd(), resolve(dir))
  return below.startsWith('..') || isAbsolute(below) ? resolve(dir) : `./${below}`
}
