/** The last work asked for of each key, until it has ended. */
export type Turns = Map<string, Promise<unknown>>

/** Works that share a key are done in the order in which they were asked for, each when those before it have ended, well or not. */
export function inTurn<T>(turns: Turns, keys: readonly string[], work: () => Promise<T>): Promise<T> {
  const before = keys.flatMap((key) => turns.get(key) ?? [])
  const mine = before.length === 0 ? work() : Promise.all(before).then(work)
  const ended = mine.then(
    () => {},
    () => {},
  )
  for (const key of keys) turns.set(key, ended)
  void ended.then(() => {
    for (const key of keys) if (turns.get(key) === ended) turns.delete(key)
  })
  return mine
}
