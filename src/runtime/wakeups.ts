/** Lets readers that wait at the end of a partition wake at once when this process appends to it. A hint, never a promise. */
export type Wakeups = {
  /** An abort signal that fires at the next `wake` of any of the keys, and a way to stop listening. */
  listen(keys: readonly string[]): { readonly signal: AbortSignal; stop(): void }
  wake(key: string): void
}

export function wakeups(): Wakeups {
  const waiting = new Map<string, Set<AbortController>>()
  return {
    listen(keys) {
      const controller = new AbortController()
      for (const key of keys) {
        const set = waiting.get(key) ?? new Set()
        waiting.set(key, set.add(controller))
      }
      const stop = () => {
        for (const key of keys) {
          const set = waiting.get(key)
          set?.delete(controller)
          if (set?.size === 0) waiting.delete(key)
        }
      }
      return { signal: controller.signal, stop }
    },
    wake(key) {
      for (const controller of waiting.get(key) ?? []) controller.abort()
    },
  }
}
