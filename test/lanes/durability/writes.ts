/** What the doomed process writes: everything can be told from its name and number alone, so that a reader can judge it. */

/** The bytes that belong to `seed`, and to no other. */
export function bytesOf(seed: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = seed.charCodeAt(i % seed.length) + i
  return bytes
}

/** Large enough that LevelDB begins a new log file every few hundred writes. */
export const padOf = (worker: string, n: number): Uint8Array => bytesOf(`${worker}:${n}`, 12_000 + (n % 100))

export const objectOf = (key: string): Uint8Array => bytesOf(key, 1_000 + 977 * (key.length % 40))

export const workers = ['a', 'b', 'c', 'd', 'e', 'f']
