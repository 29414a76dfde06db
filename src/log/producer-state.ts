/**
 * What a partition knows of an idempotent producer (KIP-98). While the producer is active, one attribute of the head says it:
 *
 *   p<producer id in base 36>   2 bytes epoch   4 bytes last sequence   3 bytes time of last use (seconds, modulo 2^24)
 *
 * Epoch and sequence come first and have a fixed width, so that "stands at this sequence, whenever it was used" is a range of
 * bytes: an append says what must have come before it and needs no read. The time only chooses who leaves the head first.
 */
import { absent, all, any, type Condition, compare, equals } from '../store/items.ts'
import { packer, unpacker } from './packing.ts'

/** Sequences go from 0 to 2^31 - 1, and then from 0 again. */
const sequences = 2 ** 31
const secondsModulus = 2 ** 24

/** Records in a row of one producer: what a ref says of them, beside their count. */
export type ProducerRun = { readonly id: number; readonly epoch: number; readonly firstSequence: number }

export type ProducerState = {
  readonly epoch: number
  readonly lastSequence: number
  /** When it last appended, to the second. */
  readonly usedMs: number
}

/** What a writer knows where the head does not hold the producer: how many had been spilled before it looked for its state. */
export type Absence = { readonly spills: number }

export const producerText = (id: number): string => id.toString(36)
/** The twenty-first would be called as the key is, and no attribute may be: it has a 0 before its id. */
export const producerAttribute = (id: number): string => (id === 20 ? 'p0k' : `p${producerText(id)}`)
export const isProducerAttribute = (name: string): boolean => name.length > 1 && name.startsWith('p')
export const producerOfAttribute = (name: string): number => Number.parseInt(name.slice(1), 36)

export function packProducer({ epoch, lastSequence, usedMs }: ProducerState): Uint8Array {
  return packed(epoch, lastSequence, Math.floor(usedMs / 1_000) % secondsModulus)
}

function packed(epoch: number, sequence: number, seconds: number): Uint8Array {
  const out = packer(9)
  for (const shift of [8, 0]) out.byte((epoch >>> shift) & 0xff)
  for (const shift of [24, 16, 8, 0]) out.byte((sequence >>> shift) & 0xff)
  for (const shift of [16, 8, 0]) out.byte((seconds >>> shift) & 0xff)
  return out.done()
}

/** `nowMs`: seconds are told modulo half a year, and those of the last half-year are meant. */
export function unpackProducer(bytes: Uint8Array, nowMs: number): ProducerState {
  const from = unpacker(bytes)
  const number = (count: number) =>
    Array.from({ length: count }, () => from.byte()).reduce((sum, byte) => sum * 256 + byte, 0)
  const [epoch, lastSequence, seconds] = [number(2), number(4), number(3)]
  const nowSeconds = Math.floor(nowMs / 1_000)
  const age = (((nowSeconds - seconds) % secondsModulus) + secondsModulus) % secondsModulus
  // Another clock may be a little ahead of this one.
  const ahead = age > secondsModulus - secondsModulus / 64 ? secondsModulus : 0
  return { epoch, lastSequence, usedMs: (nowSeconds - age + ahead) * 1_000 }
}

/** The sequence that so many records end at. */
export const lastSequenceOf = ({ firstSequence }: ProducerRun, count: number): number =>
  (firstSequence + count - 1) % sequences

const before = (sequence: number): number => (sequence + sequences - 1) % sequences

/** True of a head in which these records are the producer's next ones; `absence`: or which does not hold the producer at all. */
export function comesNext(run: ProducerRun, absence: Absence | undefined): Condition {
  const name = producerAttribute(run.id)
  const sequence = before(run.firstSequence)
  const follows = all(
    compare(name, '>=', packed(run.epoch, sequence, 0)),
    compare(name, '<=', packed(run.epoch, sequence, secondsModulus - 1)),
  )
  const beginsEpoch = run.firstSequence === 0 && run.epoch > 0 ? [compare(name, '<', packed(run.epoch, 0, 0))] : []
  const joins = absence ? [all(absent(name), spillsAre(absence.spills))] : []
  return any(follows, ...beginsEpoch, ...joins)
}

const spillsAre = (spills: number): Condition => (spills === 0 ? absent('q') : equals('q', spills))

export type Standing = 'next' | 'duplicate' | 'gap' | 'old epoch' | 'unknown producer'

/** What these records are to a producer that stands there; `undefined`: the partition has never heard of it. */
export function standingOf(state: ProducerState | undefined, run: ProducerRun, count: number): Standing {
  if (!state) return run.firstSequence === 0 ? 'next' : 'unknown producer'
  if (run.epoch < state.epoch) return 'old epoch'
  if (run.epoch > state.epoch) return run.firstSequence === 0 ? 'next' : 'gap'
  if (before(run.firstSequence) === state.lastSequence) return 'next'
  const back = (sequence: number) => (state.lastSequence - sequence + sequences) % sequences
  const [first, last] = [back(run.firstSequence), back(lastSequenceOf(run, count))]
  return last <= first && first < sequences / 2 ? 'duplicate' : 'gap'
}
