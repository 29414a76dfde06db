/** A least-recently-used cache bounded by bytes, not by entries. */
export type ByteCache<T> = {
  get(key: string): T | undefined
  set(key: string, value: T, bytes: number): void
  delete(key: string): void
  readonly bytes: number
}

export function byteCache<T>(maxBytes: number): ByteCache<T> {
  // A Map keeps insertion order: the first key is the one used longest ago.
  const entries = new Map<string, { value: T; bytes: number }>()
  let held = 0
  const forget = (key: string) => {
    const entry = entries.get(key)
    if (!entry) return
    entries.delete(key)
    held -= entry.bytes
  }
  return {
    get(key) {
      const entry = entries.get(key)
      if (!entry) return undefined
      entries.delete(key)
      entries.set(key, entry)
      return entry.value
    },
    set(key, value, bytes) {
      forget(key)
      if (bytes > maxBytes) return
      entries.set(key, { value, bytes })
      held += bytes
      for (const oldest of entries.keys()) {
        if (held <= maxBytes) break
        forget(oldest)
      }
    },
    delete: forget,
    get bytes() {
      return held
    },
  }
}
