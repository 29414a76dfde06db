import { InvalidArgumentError } from 'commander'

/** A parser for a whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`Not a whole number from ${min} to ${max}.`)
    return value
  }
}

export type Address = { readonly host: string; readonly port: number }

/** A parser for `HOST:PORT`; an IPv6 address stands in brackets. */
export function address(text: string): Address {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) throw new InvalidArgumentError('Not HOST:PORT.')
  return { host, port: Number(port) }
}

export const addressText = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`
