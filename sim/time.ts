/**
 * Simulated time: a queue of things to come. It jumps from one to the next, and lets everything that was set going by one settle
 * before it turns to the next, so that the order of events is the queue's alone.
 */
export type Time = {
  /** Milliseconds since 1970, in the simulated world. */
  now(): number
  at(ms: number, what: () => void): void
  after(ms: number, what: () => void): void
  /** Runs until `done` says so or nothing is left to come. */
  run(done: () => boolean): Promise<void>
  readonly events: number
}

/** When every simulated world begins. */
export const epochMs = Date.UTC(2026, 0, 1)

type Entry = { readonly ms: number; readonly order: number; readonly what: () => void }

export function simulatedTime(): Time {
  const heap: Entry[] = []
  let nowMs = epochMs
  let order = 0
  let events = 0
  const at = (ms: number, what: () => void) => push(heap, { ms: Math.max(nowMs, Math.ceil(ms)), order: order++, what })
  return {
    now: () => nowMs,
    at,
    after: (ms, what) => at(nowMs + ms, what),
    async run(done) {
      while (!done()) {
        const next = pop(heap)
        if (!next) return
        nowMs = next.ms
        events++
        next.what()
        // Promises settle before the next turn of the event loop; nothing in the simulated world waits for anything else.
        await new Promise(setImmediate)
      }
    },
    get events() {
      return events
    },
  }
}

const isBefore = (a: Entry, b: Entry): boolean => a.ms < b.ms || (a.ms === b.ms && a.order < b.order)

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length
  heap.push(entry)
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent]
    if (!above || isBefore(above, entry)) break
    heap[at] = above
    at = parent
  }
  heap[at] = entry
}

function pop(heap: Entry[]): Entry | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (!first || !last || heap.length === 0) return first
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    let child = heap[left]
    let childAt = left
    const right = heap[left + 1]
    if (child && right && isBefore(right, child)) {
      child = right
      childAt = left + 1
    }
    if (!child || !isBefore(child, last)) break
    heap[at] = child
    at = childAt
  }
  heap[at] = last
  return first
}
