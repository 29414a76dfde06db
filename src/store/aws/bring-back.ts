/**
 * Objects that were deleted from a versioned bucket, and are kept for a while as noncurrent versions: removing the marker of the
 * deletion makes the last version the current one again
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManagingDelMarkers.html).
 */

import { unmetered } from '../meter.ts'
import { ask } from './calls.ts'
import { asking, type S3Bucket } from './s3.ts'

/** Gives how many are there again. @throws StoreError, also where the caller may not see or delete versions */
export async function bringBack(bucket: S3Bucket, keys: readonly string[]): Promise<number> {
  let back = 0
  for (const key of keys) if (await bringOneBack(bucket, key)) back++
  return back
}

async function bringOneBack(bucket: S3Bucket, key: string): Promise<boolean> {
  const { sdk, client } = await bucket.s3()
  const none = { readUnits: 0, writeUnits: 0, bytes: 0 }
  // Names are never used twice: an object has one version, and one marker where it was deleted (more where it was deleted again).
  const { Versions = [], DeleteMarkers = [] } = await ask(
    asking(bucket, unmetered, 'list', 'read'),
    async (abortSignal) => {
      const command = new sdk.ListObjectVersionsCommand({ Bucket: bucket.bucket, Prefix: key })
      return { answer: await client.send(command, { abortSignal }), ...none }
    },
  )
  if (!Versions.some(({ Key }) => Key === key)) return false
  for (const { Key, VersionId } of DeleteMarkers) {
    if (Key !== key || VersionId === undefined) continue
    await ask(asking(bucket, unmetered, 'delete', 'write'), async (abortSignal) => {
      await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket.bucket, Key: key, VersionId }), { abortSignal })
      return { answer: undefined, ...none }
    })
  }
  return true
}
