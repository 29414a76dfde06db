/** The bench's output: tables for people, limits that hold or do not. */
import { dollarsAGib, dollarsAMillion, type Tally } from './tally.ts'

export type Limit = {
  readonly what: string
  readonly holds: boolean
  readonly measured: string
  readonly limit: string
}

export type Row = { readonly name: string; readonly tally: Tally }

export type Section = { readonly title: string; readonly rows: readonly Row[]; readonly notes?: readonly string[] }

export const atMost = (what: string, measured: number, most: number): Limit => ({
  what,
  holds: measured <= most,
  measured: figure(measured),
  limit: `at most ${figure(most)}`,
})

export const exactly = (what: string, measured: number, wanted: number): Limit => ({
  what,
  holds: measured === wanted,
  measured: figure(measured),
  limit: `exactly ${figure(wanted)}`,
})

export const figure = (value: number): string =>
  Number.isNaN(value)
    ? ''
    : Number.isInteger(value)
      ? String(value)
      : value >= 100
        ? value.toFixed(0)
        : value.toPrecision(3)

/** Columns as wide as their widest cell, the first to the left and the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const padded = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)
  return rows.map((row) => row.map(padded).join('  ').trimEnd()).join('\n')
}

const columns = ['', 'WU', 'RU', 'PUT', 'GET', 'reads', 'worst', 'trips', 'worst', '$/M', '$/GiB']

export function sectionText({ title, rows, notes = [] }: Section): string {
  const cells = rows.map(({ name, tally }) => {
    const each = (total: number) => figure(total / tally.requests)
    return [
      `  ${name}`,
      each(tally.writeUnits),
      each(tally.readUnits),
      each(tally.puts),
      each(tally.gets),
      each(tally.readCalls),
      figure(tally.mostReadCalls),
      each(tally.trips),
      figure(tally.mostTrips),
      dollarsAMillion(tally).toFixed(3),
      figure(dollarsAGib(tally)),
    ]
  })
  return [
    title,
    ...(rows.length > 0 ? [table([columns, ...cells])] : []),
    ...notes.map((note) => `  ${note}`),
    '',
  ].join('\n')
}

export const limitText = ({ what, holds, measured, limit }: Limit): string =>
  `${holds ? 'ok  ' : 'FAIL'} ${what}: ${measured} (${limit})`
