import * as v from 'valibot'
import { HttpError } from './errors.ts'
import type { HttpRequest } from './request.ts'

/** The body as text. 400 for what is not UTF-8. */
export function bodyText(request: HttpRequest): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(request.body)
  } catch {
    throw new HttpError('malformed', 'The body is not valid UTF-8.')
  }
}

/** The text as JSON. 400 for what is not. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // V8's message quotes the caller's own text, nothing of ours.
    const reason = error instanceof SyntaxError ? error.message : 'it is nested too deeply'
    throw new HttpError('malformed', `The body is not valid JSON: ${reason}`)
  }
}

/** The value in the schema's shape; else 422 with the place and the reason. */
export function requireShape<T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  const place = v.getDotPath(issue)
  const reason = issue.expected === 'never' ? 'is not a known field' : issue.message
  throw new HttpError('constraint', place === null ? reason : `${place}: ${reason}`)
}

/** A management call's body; an empty one counts as `{}`. 400 bad JSON, 422 wrong shape. */
export function readBody<T extends v.GenericSchema>(request: HttpRequest, schema: T): v.InferOutput<T> {
  const text = bodyText(request)
  return requireShape(schema, text.trim() === '' ? {} : parseJson(text))
}

/** Strict base64 (RFC 4648, section 4): padded, without line breaks, without stray bits. 400 otherwise. */
export function fromBase64(text: unknown, place: string): Uint8Array {
  if (typeof text === 'string') {
    const bytes = Buffer.from(text, 'base64')
    if (bytes.toString('base64') === text) return bytes
  }
  throw new HttpError('malformed', `${place} is not a base64 string.`)
}

export const wholeNumber = v.pipe(
  v.number(),
  v.safeInteger('must be a whole number'),
  v.minValue(0, 'must not be negative'),
)
