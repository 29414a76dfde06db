/**
 * Time and chance, handed in. The core never reads a clock or rolls dice by itself (a lint rule says so): that is what lets a
 * seeded simulation run a whole cluster in one process.
 */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. May jump; nothing's safety may rest on it. */
  now(): number
  /** Milliseconds that only grow, from anywhere: for time-outs, which a clock that is set right must not stretch to years. */
  uptime(): number
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Random {
  /** `count` random bytes. */
  bytes(count: number): Uint8Array
  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number
}
