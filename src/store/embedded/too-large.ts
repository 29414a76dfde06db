import { StoreError } from '../errors.ts'
import type { Item, Key } from '../items.ts'
import { limits } from '../limits.ts'
import { itemBytes } from '../sizes.ts'

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const transactionBytes = 4 * 1024 * 1024

/** The item, unless it is beyond what DynamoDB takes. */
export function refuseLargeItem(key: Key, item: Item): Item {
  const bytes = itemBytes(key, item)
  if (bytes <= limits.itemBytes) return item
  throw new StoreError('too-large', `item ${key.pk} ${key.sk} would have ${bytes} bytes; at most ${limits.itemBytes}`)
}

/** Sizes are bytes before and after each action. */
export function refuseLargeTransaction(sizes: readonly (readonly [before: number, after: number])[]): void {
  const bytes = sizes.reduce((total, [, after]) => total + after, 0)
  if (bytes <= transactionBytes) return
  throw new StoreError('too-large', `the items of a transaction have ${bytes} bytes; at most ${transactionBytes}`)
}
