import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { KafkaError } from '../errors.ts'
import { compressLz4 } from './compress-lz4.ts'
import { compressSnappy } from './compress-snappy.ts'
import { tooLarge } from './growing.ts'
import type { Compression } from './header.ts'
import { decompressLz4 } from './lz4.ts'
import { decompressSnappy } from './snappy.ts'
import { corrupt } from './varint.ts'
import { compressZstd, decompressZstd } from './zstd/zstd.ts'

const gunzip = promisify(zlib.gunzip)
const gzip = promisify(zlib.gzip)

/**
 * Undoes what a producer's compression did to the records of a batch. At most `maxBytes` come out: more is MESSAGE_TOO_LARGE, told
 * before the memory is used; bytes that are not of that compression are CORRUPT_MESSAGE.
 */
export async function decompress(
  compression: Exclude<Compression, 'none'>,
  bytes: Uint8Array,
  maxBytes: number,
): Promise<Uint8Array> {
  try {
    switch (compression) {
      case 'gzip':
        return await gunzip(bytes, { maxOutputLength: maxBytes })
      case 'snappy':
        return decompressSnappy(bytes, maxBytes)
      case 'lz4':
        return decompressLz4(bytes, maxBytes)
      case 'zstd':
        return await decompressZstd(bytes, maxBytes)
    }
  } catch (error) {
    if (error instanceof KafkaError) throw error
    if (isTooLong(error)) throw tooLarge(maxBytes)
    throw corrupt(
      `the ${compression} data of a record batch is broken: ${error instanceof Error ? error.message : error}`,
      error,
    )
  }
}

/** Compresses as Kafka's producers do with that `compression.type`; less tightly, but by gzip. */
export async function compress(compression: Exclude<Compression, 'none'>, bytes: Uint8Array): Promise<Uint8Array> {
  switch (compression) {
    case 'gzip':
      return gzip(bytes)
    case 'snappy':
      return compressSnappy(bytes)
    case 'lz4':
      return compressLz4(bytes)
    case 'zstd':
      return compressZstd(bytes)
  }
}

/** `node:zlib` at its `maxOutputLength`. */
const isTooLong = (error: unknown) =>
  error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
