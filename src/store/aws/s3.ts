/**
 * The ObjectStore on S3. The client's module is large and most functions start without it: it is loaded at the first call
 * (a dynamic import, so that a bundler makes it a chunk of its own).
 */
import type { ListObjectsV2CommandInput, S3Client } from '@aws-sdk/client-s3'
import { StoreError } from '../errors.ts'
import { both, type Meter, unmetered } from '../meter.ts'
import { checkObjectKey, checkObjectSize, joined } from '../object-rules.ts'
import type { ByteRange, ObjectStore, StoredObject } from '../objects.ts'
import { type Asking, ask } from './calls.ts'
import { type Connection, observing } from './connection.ts'
import { failureOf } from './failures.ts'

type Sdk = typeof import('@aws-sdk/client-s3')
type Loaded = { readonly sdk: Sdk; readonly client: S3Client }

export type S3Bucket = {
  readonly bucket: string
  readonly connection: Connection
  /** The client, made at the first call. */
  readonly s3: () => Promise<Loaded>
  /** Closes the client if there is one. */
  close(): void
}

const maxAttempts = 4
/** DeleteObjects takes as many: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
const deleteBatch = 1_000
/** ListObjectsV2 gives as many. */
const listPage = 1_000
/** Waits before a conditional PUT that met another one (409) is tried again. */
const conflictBackoffMs = [20, 60, 180, 540]

export function s3Bucket(bucket: string, connection: Connection): S3Bucket {
  let loading: Promise<Loaded> | undefined
  const load = async (): Promise<Loaded> => {
    const sdk = await import('@aws-sdk/client-s3')
    const client = new sdk.S3Client({
      ...connection.client,
      // Safe here: an object is created once and never changes. 503 SlowDown is everyday life.
      maxAttempts,
      // Emulators have no bucket.host names.
      forcePathStyle: connection.endpoint !== undefined,
    })
    client.middlewareStack.add(observing(connection.serverTime), {
      step: 'deserialize',
      priority: 'low',
      name: 'serverTime',
    })
    return { sdk, client }
  }
  return {
    bucket,
    connection,
    s3: () => {
      loading ??= load()
      return loading
    },
    close: () => void loading?.then(({ client }) => client.destroy()).catch(() => {}),
  }
}

export function s3Objects(bucket: S3Bucket, meter: Meter = unmetered): ObjectStore {
  return {
    put: (key, parts) => put(bucket, meter, key, parts),
    get: (key, range) => get(bucket, meter, key, range),
    list: (prefix, options) => list(bucket, meter, prefix, options),
    delete: (keys) => deleteAll(bucket, meter, keys),
    metered: (also) => s3Objects(bucket, both(meter, also)),
  }
}

/** Large objects take their time: one second more for each 4 MiB. */
const attemptMs = ({ connection }: S3Bucket, bytes: number) =>
  connection.readTimeoutMs + Math.ceil((bytes / (4 * 1024 * 1024)) * 1_000)

export const asking = (
  bucket: S3Bucket,
  meter: Meter,
  call: Asking['call'],
  kind: Asking['kind'],
  bytes = 0,
): Asking => ({
  meter,
  store: 'objects',
  call,
  kind,
  deadlineMs: maxAttempts * attemptMs(bucket, bytes),
})

async function put(
  bucket: S3Bucket,
  meter: Meter,
  key: string,
  parts: readonly Uint8Array[],
): Promise<'created' | 'exists'> {
  checkObjectKey(key)
  const body = joined(parts, checkObjectSize(parts))
  for (const waitMs of [...conflictBackoffMs, undefined]) {
    const answer = await putOnce(bucket, meter, key, body)
    if (answer === 'exists, perhaps ours') return (await holds(bucket, meter, key, body)) ? 'created' : 'exists'
    if (answer !== 'conflict') return answer
    if (waitMs !== undefined) await bucket.connection.clock.sleep(waitMs)
  }
  throw new StoreError('throttled', `put ${key}: other writers of this key were always in the way`)
}

/** A PUT whose answer was lost meets its own object when the SDK sends it again. The bytes tell. */
async function holds(bucket: S3Bucket, meter: Meter, key: string, body: Uint8Array): Promise<boolean> {
  const there = await get(bucket, meter, key)
  return there !== undefined && Buffer.compare(there, body) === 0
}

type Put = 'created' | 'exists' | 'exists, perhaps ours' | 'conflict'

function putOnce(bucket: S3Bucket, meter: Meter, key: string, body: Uint8Array): Promise<Put> {
  return ask<Put>(asking(bucket, meter, 'put', 'write', body.length), async (abortSignal) => {
    const { sdk, client } = await bucket.s3()
    const command = new sdk.PutObjectCommand({ Bucket: bucket.bucket, Key: key, Body: body, IfNoneMatch: '*' })
    const used = { readUnits: 0, writeUnits: 0, bytes: body.length }
    try {
      await client.send(command, { abortSignal, requestTimeout: attemptMs(bucket, body.length) })
      return { answer: 'created', ...used }
    } catch (error) {
      const { status, attempts } = failureOf(error)
      if (status === 409) return { answer: 'conflict', ...used, outcome: 'throttled' }
      if (status !== 412) throw error
      return { answer: attempts > 1 ? 'exists, perhaps ours' : 'exists', ...used, outcome: 'condition-failed' }
    }
  })
}

function get(bucket: S3Bucket, meter: Meter, key: string, range?: ByteRange): Promise<Uint8Array | undefined> {
  const wanted = range ? range.end - range.start : 0
  return ask(asking(bucket, meter, 'get', 'read', wanted), async (abortSignal) => {
    const { sdk, client } = await bucket.s3()
    // HTTP cannot ask for no bytes; one is asked for, to learn whether there is such an object.
    const Range = range && `bytes=${range.start}-${Math.max(range.start, range.end - 1)}`
    const command = new sdk.GetObjectCommand({ Bucket: bucket.bucket, Key: key, ...(Range && { Range }) })
    const answered = (answer: Uint8Array | undefined) => ({
      answer,
      readUnits: 0,
      writeUnits: 0,
      bytes: answer?.length ?? 0,
    })
    try {
      const { Body } = await client.send(command, { abortSignal, requestTimeout: attemptMs(bucket, wanted) })
      if (!Body) throw new StoreError('unavailable', `get ${key}: the answer has no body`)
      const bytes = await Body.transformToByteArray()
      return answered(range && wanted < bytes.length ? bytes.subarray(0, Math.max(0, wanted)) : bytes)
    } catch (error) {
      const { name, status } = failureOf(error)
      // The range begins at or beyond the end.
      if (status === 416) return answered(new Uint8Array())
      if (name === 'NoSuchKey') return answered(undefined)
      throw error
    }
  })
}

async function list(
  bucket: S3Bucket,
  meter: Meter,
  prefix: string,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<readonly StoredObject[]> {
  const found: StoredObject[] = []
  let token: string | undefined
  if (limit < 1) return found
  do {
    const page = await listOnce(bucket, meter, {
      Prefix: prefix,
      MaxKeys: Math.min(listPage, limit - found.length),
      ...(token !== undefined ? { ContinuationToken: token } : after !== undefined && { StartAfter: after }),
    })
    for (const { Key, Size = 0, LastModified } of page.Contents ?? []) {
      if (Key !== undefined) found.push({ key: Key, size: Size, modifiedMs: LastModified?.getTime() ?? 0 })
    }
    token = page.IsTruncated ? page.NextContinuationToken : undefined
    // A page may be empty and still not be the last.
  } while (token !== undefined && found.length < limit)
  return found
}

function listOnce(bucket: S3Bucket, meter: Meter, page: Omit<ListObjectsV2CommandInput, 'Bucket'>) {
  return ask(asking(bucket, meter, 'list', 'read'), async (abortSignal) => {
    const { sdk, client } = await bucket.s3()
    const command = new sdk.ListObjectsV2Command({ Bucket: bucket.bucket, ...page })
    const answer = await client.send(command, { abortSignal, requestTimeout: attemptMs(bucket, 0) })
    return { answer, readUnits: 0, writeUnits: 0, bytes: 0 }
  })
}

async function deleteAll(bucket: S3Bucket, meter: Meter, keys: readonly string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += deleteBatch) {
    await deleteOnce(bucket, meter, keys.slice(at, at + deleteBatch))
  }
}

function deleteOnce(bucket: S3Bucket, meter: Meter, keys: readonly string[]): Promise<void> {
  return ask(asking(bucket, meter, 'delete', 'write'), async (abortSignal) => {
    const { sdk, client } = await bucket.s3()
    const command = new sdk.DeleteObjectsCommand({
      Bucket: bucket.bucket,
      Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
    })
    const { Errors = [] } = await client.send(command, { abortSignal, requestTimeout: attemptMs(bucket, 0) })
    const [first] = Errors
    if (first) {
      const text = `delete: ${Errors.length} objects remain, the first of them ${first.Key}: ${first.Code}: ${first.Message}`
      throw new StoreError(first.Code === 'AccessDenied' ? 'misconfigured' : 'unavailable', text)
    }
    return { answer: undefined, readUnits: 0, writeUnits: 0, bytes: 0 }
  })
}
