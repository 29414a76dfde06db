/**
 * Fences: the number under which a commit of an owner stands. Each offsets item carries the highest one raised, and a commit is
 * one update on condition that its own is not lower. A generation's fences lie between those of its neighbours; within one, a
 * process that takes over a static member's slot (KIP-345) fences the one before it.
 */
import type { Member } from './member.ts'

/** Below 2^31 generations × 2^20: exact in a double. */
const stepsAGeneration = 2 ** 20

export function memberFence(generation: number, { replaced }: Pick<Member, 'replaced'>): number {
  const times = replaced.generation === generation ? replaced.times : 0
  return generation * stepsAGeneration + Math.min(times, stepsAGeneration - 2)
}

/** Of a commit from outside, while the group is empty: above all of its past, below its next generation. */
export const outsiderFence = (generation: number): number => (generation + 1) * stepsAGeneration - 1

/** Whether a fence belongs to this generation: then it was raised by who took over the slot. */
export const isOfGeneration = (fence: number, generation: number): boolean =>
  Math.floor(fence / stepsAGeneration) === generation
