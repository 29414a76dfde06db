/** What test/fixtures/log-v1-segments holds: a segment that was cleaned up after, one that was not, and what came after both. */
const sizes = [3, 600, 40, 9_000, 3]
const values = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${name} ${at} ${'x'.repeat(sizes[at % sizes.length] ?? 0)}`)

export const rolledEarlier = values('earlier', 20)
export const rolledLater = values('later', 20)
export const unrolled = values('after', 5)
export const kept: readonly string[] = [...rolledEarlier, ...rolledLater, ...unrolled]
export const madeMs = 1_767_225_600_000
