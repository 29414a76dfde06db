/** Which request meets which fault: chosen by a seed, every kind as often as the others, some of them in storms. */

export type Service = 'dynamodb' | 's3'

/** `before` and `after`: whether the store has carried the request out by then. */
export const faultKinds = {
  dynamodb: [
    'request lost',
    'answer lost',
    'half an answer',
    'no answer',
    'delivered late',
    'delivered twice',
    '500 before',
    '500 after',
    '503 before',
    '503 after',
    'throttled',
    'transaction conflict',
  ],
  s3: [
    'request lost',
    'answer lost',
    'half an answer',
    'no answer',
    'delivered late',
    'delivered twice',
    '500 before',
    '500 after',
    '503 before',
    '503 after',
    'slow down',
    '409 before',
    '412 after',
  ],
} as const satisfies Record<Service, readonly string[]>

export type FaultKind = (typeof faultKinds)[Service][number]

export type Plan = {
  /** The fault that the service's next request meets, if any. */
  next(service: Service, isWrite: boolean): FaultKind | undefined
  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number
}

/** Meant for writes; the services would not say so to a reader. */
const writesOnly = new Set<FaultKind>(['transaction conflict', '409 before', '412 after'])

const calmRequestsMin = 25
const calmRequestsMax = 100
const stormRequestsMax = 40

export function faultPlan(seed: number): Plan {
  const below = generator(seed)
  const decks: Record<Service, FaultKind[]> = { dynamodb: [], s3: [] }
  const draw = (service: Service, isWrite: boolean): FaultKind | undefined => {
    if (decks[service].length === 0) decks[service] = shuffled(faultKinds[service], below)
    const at = decks[service].findIndex((kind) => isWrite || !writesOnly.has(kind))
    return at < 0 ? undefined : decks[service].splice(at, 1)[0]
  }
  let untilStorm = calmRequestsMin
  let storm: { left: number; kind: FaultKind } | undefined
  return {
    below,
    next(service, isWrite) {
      if (storm && --storm.left > 0) {
        const kinds: readonly FaultKind[] = faultKinds[service]
        return kinds.includes(storm.kind) && (isWrite || !writesOnly.has(storm.kind)) ? storm.kind : undefined
      }
      if (--untilStorm <= 0) {
        untilStorm = calmRequestsMin + below(calmRequestsMax)
        const kind = draw(service, isWrite)
        storm = kind && { left: 1 + below(stormRequestsMax), kind }
        return kind
      }
      return below(5) === 0 ? draw(service, isWrite) : undefined
    },
  }
}

/** mulberry32: small, seeded, good enough to choose faults and workloads by. */
export function generator(seed: number): (bound: number) => number {
  let state = seed >>> 0
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

function shuffled<T>(all: readonly T[], below: (bound: number) => number): T[] {
  const deck = [...all]
  for (let at = deck.length - 1; at > 0; at--) {
    const other = below(at + 1)
    // Both lie within the deck.
    ;[deck[at], deck[other]] = [deck[other] as T, deck[at] as T]
  }
  return deck
}
