/** Values of the workload: unique, and from the name alone it can be told how many bytes follow it, so that damage shows. */
import { inlineBytesMax, itemBytesMax } from '../../../src/log/blob.ts'

/** Padding that puts a batch of up to three records inside its ref, into an item, into an object. */
const padding = [20, inlineBytesMax + 500, itemBytesMax + 1_000]

export function newValue(client: string, count: number, below: (bound: number) => number): string {
  return `${client}.${count}.${padding[Math.max(0, below(6) - 3)] ?? 0}`
}

export const bytesOf = (value: string): Buffer =>
  Buffer.from(`${value}:${'x'.repeat(Number(value.slice(value.lastIndexOf('.') + 1)))}`)

/** The value that bytes carry; something that was never sent, where they are not what was sent under that name. */
export function valueIn(bytes: Uint8Array | null): string {
  const text = Buffer.from(bytes ?? []).toString()
  const value = text.slice(0, Math.max(0, text.indexOf(':')))
  return bytesOf(value).equals(bytes ?? Buffer.alloc(0)) ? value : `damaged: ${text.slice(0, 80)}`
}
