/** From pairs of figures to a line. */

export type Pair = { readonly kafka?: number; readonly millrace?: number }

export type Measure = {
  readonly name: string
  /** Records a second are to be at least the target's share of Kafka's, milliseconds at most. */
  readonly unit: 'records/s' | 'ms'
  readonly pairs: Pair[]
  readonly target?: number
}

export type Result = {
  readonly name: string
  readonly figures: string
  readonly target?: string
  readonly holds?: boolean
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Between the two middle ones of an even number. */
export const median = (values: readonly number[]): number =>
  (percentile(values, 0.5) +
    percentile(
      values.map((value) => -value),
      0.5,
    ) *
      -1) /
  2

export function resultOf({ name, unit, pairs, target }: Measure): Result {
  const ratios = pairs.map(({ kafka = 0, millrace = 0 }) => millrace / kafka)
  const ratio = median(ratios)
  const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
  const side = (place: keyof Pair) => {
    const value = median(pairs.map((pair) => pair[place] ?? Number.NaN))
    return (unit === 'ms' ? value.toFixed(2) : `${Math.round(value / 1_000)} k`).padStart(8)
  }
  const figures = `${ratio.toFixed(2)} × (${spread}):${side('millrace')} against${side('kafka')} ${unit}`
  if (target === undefined) return { name, figures }
  return unit === 'ms'
    ? { name, figures, target: `at most ${target}`, holds: ratio <= target }
    : { name, figures, target: `at least ${target}`, holds: ratio >= target }
}

export function ratioText({ name, figures, target, holds }: Result): string {
  const judged = target === undefined ? '' : `   wanted ${target}: ${holds ? 'holds' : 'MISSED'}`
  return `${name.padEnd(28)}${figures}${judged}`
}
