import { expect, it } from 'vitest'
import { Budget } from '../../src/server/kafka/budget.ts'
import { roomOf } from '../../src/server/kafka/record-room.ts'
import { turns } from './kit.ts'

const mb = 1024 * 1024

it('gives each answer a part of what is free, and lets it wait where nothing is', async () => {
  const budget = new Budget(64 * mb)
  const rooms = Array.from({ length: 200 }, () => roomOf(budget))
  let given = 0
  for (const room of rooms) void room.take(16 * mb).then(() => given++)
  await turns()
  expect(budget.held).toBeLessThanOrEqual(64 * mb)
  expect(given).toBeGreaterThan(30)
  expect(given).toBeLessThan(rooms.length)
  const before = given
  rooms[0]?.clear()
  await turns()
  expect(given).toBeGreaterThan(before)
  expect(budget.held).toBeLessThanOrEqual(64 * mb)
})

it('does not let one wait that holds some already', async () => {
  const budget = new Budget(2 * mb)
  const [one, other] = [roomOf(budget), roomOf(budget)]
  await Promise.all([one.take(mb), other.take(mb)])
  expect(await one.take(mb)).toBe(mb)
  expect(one.isShort()).toBe(false)
  expect(await one.take(2 * mb)).toBe(mb)
  expect(one.isShort()).toBe(true)
  one.clear()
  other.clear()
  expect(budget.held).toBe(0)
})
