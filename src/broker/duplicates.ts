/** Those that stand in a list more than once: Kafka refuses each of them, where it cannot know which is meant. */
export function duplicates<T>(values: readonly T[]): ReadonlySet<T> {
  const seen = new Set<T>()
  return new Set(values.filter((value) => seen.size === seen.add(value).size))
}
