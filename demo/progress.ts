/** Says how far things have come, in tenths. */
export type Progress = {
  add(records: number): void
  /** A line in between. */
  note(text: string): void
}

export function progress(verb: string, total: number, print: (line: string) => void): Progress {
  let count = 0
  let tenths = 0
  return {
    add: (records) => {
      count += records
      const reached = Math.floor((10 * count) / total)
      if (reached === tenths) return
      tenths = reached
      print(`  ${verb} ${String(reached * 10).padStart(3)} %  ${shown(count)} of ${shown(total)}`)
    },
    note: (text) => print(`  - ${text}`),
  }
}

export const shown = (number: number): string => number.toLocaleString('en-US')
