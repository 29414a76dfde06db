/** Requests in line, one line for each partition that they are for. However many wait for one partition cost the others nothing. */

export type InLine = {
  /** Each once, one at least. */
  readonly partitions: readonly string[]
  readonly bytes: number
}

export type Lines<R extends InLine> = {
  join(request: R): void
  /**
   * Whatever may go now, up to so many bytes, but at least one request where there is any: those that are first in all their lines.
   * Their partitions are busy from then on.
   */
  take(bytesMax: number): readonly R[]
  /** What waits for this partition may go. */
  free(partition: string): void
}

export function newLines<R extends InLine>(): Lines<R> {
  const lines = new Map<string, Set<R>>()
  const busy = new Set<string>()
  /** Partitions for which somebody waits and which are not busy, the longest ready first. */
  const ready = new Set<string>()

  const firstOf = (partition: string): R | undefined => lines.get(partition)?.values().next().value
  const isFirst = (request: R) =>
    request.partitions.every((partition) => !busy.has(partition) && firstOf(partition) === request)

  function leave(request: R): void {
    for (const partition of request.partitions) {
      const line = lines.get(partition)
      line?.delete(request)
      if (line?.size === 0) lines.delete(partition)
    }
  }

  return {
    join(request) {
      for (const partition of request.partitions) {
        const line = lines.get(partition) ?? new Set()
        lines.set(partition, line.add(request))
        if (!busy.has(partition)) ready.add(partition)
      }
    },
    take(bytesMax) {
      const taken: R[] = []
      let bytes = 0
      const open = [...ready]
      for (let partition = open.shift(); partition !== undefined; partition = open.shift()) {
        for (let first = firstOf(partition); first && isFirst(first); first = firstOf(partition)) {
          if (taken.length > 0 && bytes + first.bytes > bytesMax) break
          taken.push(first)
          bytes += first.bytes
          leave(first)
          // Somebody may be first now who was not when their other line was looked at.
          if (first.partitions.length > 1) open.push(...first.partitions)
        }
      }
      for (const partition of taken.flatMap(({ partitions }) => partitions)) {
        busy.add(partition)
        ready.delete(partition)
      }
      return taken
    },
    free(partition) {
      busy.delete(partition)
      if (lines.has(partition)) ready.add(partition)
    },
  }
}
