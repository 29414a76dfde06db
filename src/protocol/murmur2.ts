const seed = 0x9747b28c
const multiplier = 0x5bd1e995

/**
 * Murmur2 as `org.apache.kafka.common.utils.Utils.murmur2` computes it: a signed 32-bit number. Every client that partitions
 * by key like the Java client depends on these exact bits.
 */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  const wholeWords = length & ~3
  let h = seed ^ length
  for (let at = 0; at < wholeWords; at += 4) {
    let k = Math.imul(view.getInt32(at, true), multiplier)
    k ^= k >>> 24
    h = Math.imul(h, multiplier) ^ Math.imul(k, multiplier)
  }
  const rest = length - wholeWords
  if (rest === 3) h ^= view.getUint8(wholeWords + 2) << 16
  if (rest >= 2) h ^= view.getUint8(wholeWords + 1) << 8
  if (rest >= 1) h = Math.imul(h ^ view.getUint8(wholeWords), multiplier)
  h ^= h >>> 13
  h = Math.imul(h, multiplier)
  return h ^ (h >>> 15)
}

/** The partition, from 0 to `partitions - 1`, that Kafka's default partitioner gives a key: `toPositive(murmur2(key)) % partitions`. */
export function partitionForKey(key: Uint8Array, partitions: number): number {
  if (!Number.isInteger(partitions) || partitions < 1) throw new RangeError(`no partition among ${partitions}`)
  return (murmur2(key) & 0x7fffffff) % partitions
}
