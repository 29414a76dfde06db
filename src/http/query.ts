import { HttpError } from './errors.ts'
import type { HttpRequest } from './request.ts'

/** A whole number from the query, or `undefined` where it is not given. 400 40002 for anything else. */
export function queryNumber(request: HttpRequest, name: string, min = 0): number | undefined {
  const text = request.query[name]
  if (text === undefined) return undefined
  const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value) && value >= min) return value
  throw new HttpError('badRequest', `The parameter ${name} must be a whole number of at least ${min}.`)
}
