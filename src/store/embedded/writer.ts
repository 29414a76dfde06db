/**
 * Writes of one process, decided one after the other and stored in groups: what arrives while a group is being stored
 * waits, and goes together into the next one. A disk then syncs once a group instead of once an update, however many
 * writers meet on one item, and a transaction over several keys needs no locks.
 */
import type { Item, Key } from '../items.ts'
import type { Rows, RowWrite } from './rows.ts'

/** A decision: what to answer, and what each of the keys shall hold. Without `items` nothing changes. */
export type Write<T> = { readonly answer: T; readonly items?: readonly (Item | undefined)[] }

/** Decides on the items under `keys` as all earlier writes left them; answers when the outcome is durable. */
export type Writer = <T>(keys: readonly Key[], decide: (items: readonly (Item | undefined)[]) => Write<T>) => Promise<T>

/** Bounds the memory and the time one group takes. */
const groupWrites = 256

/** One waiting write. `decide` returns how to answer once the group is stored; it reads and changes `held`. */
type Waiting = {
  readonly keys: readonly Key[]
  decide(held: Held): () => void
  fail(error: unknown): void
}

/** The items a group works on, and which of them it changed. */
class Held {
  readonly #byKey = new Map<string, Map<string, { item: Item | undefined; changed: boolean }>>()

  load(key: Key, item: Item | undefined): void {
    const partition = this.#byKey.get(key.pk)
    if (!partition) this.#byKey.set(key.pk, new Map([[key.sk, { item, changed: false }]]))
    else if (!partition.has(key.sk)) partition.set(key.sk, { item, changed: false })
  }

  read(key: Key): Item | undefined {
    return this.#byKey.get(key.pk)?.get(key.sk)?.item
  }

  change(key: Key, item: Item | undefined): void {
    if (this.read(key) !== item) this.#byKey.get(key.pk)?.set(key.sk, { item, changed: true })
  }

  changes(): RowWrite[] {
    const changes: RowWrite[] = []
    for (const [pk, partition] of this.#byKey) {
      for (const [sk, { item, changed }] of partition) if (changed) changes.push({ key: { pk, sk }, item })
    }
    return changes
  }
}

async function storeGroup(rows: Rows, group: readonly Waiting[]): Promise<void> {
  const answers: (() => void)[] = []
  try {
    const keys = group.flatMap((waiting) => waiting.keys)
    const items = await rows.get(keys)
    const held = new Held()
    keys.forEach((key, i) => {
      held.load(key, items[i])
    })
    for (const waiting of group) answers.push(waiting.decide(held))
    const changes = held.changes()
    if (changes.length > 0) await rows.write(changes)
  } catch (error) {
    for (const waiting of group) waiting.fail(error)
    return
  }
  for (const answer of answers) answer()
}

export function writer(rows: Rows): Writer {
  let queue: Waiting[] = []
  let running = false

  const run = async () => {
    running = true
    while (queue.length > 0) {
      const group = queue.slice(0, groupWrites)
      queue = queue.slice(groupWrites)
      await storeGroup(rows, group)
    }
    running = false
  }

  return (keys, decide) =>
    new Promise((resolve, reject) => {
      queue.push({
        keys,
        decide(held) {
          try {
            const { answer, items } = decide(keys.map((key) => held.read(key)))
            keys.forEach((key, i) => {
              if (items) held.change(key, items[i])
            })
            return () => resolve(answer)
          } catch (error) {
            return () => reject(error)
          }
        },
        fail: reject,
      })
      if (!running) run()
    })
}
