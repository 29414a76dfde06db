import { StoreError } from '../store/errors.ts'

/** The version that every item carries under `v`. Each kind of item counts its own. */
export function requireFormat(kind: string, where: string, found: unknown, understood: number): void {
  if (found === understood) return
  throw new StoreError(
    'misconfigured',
    `the ${kind} at ${where} has format ${String(found)}, and this Millrace understands format ${understood}: use a newer version`,
  )
}
