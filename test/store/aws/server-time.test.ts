import { describe, expect, it } from 'vitest'
import { correctedClock } from '../../../src/store/aws/server-time.ts'

const serverMs = Date.UTC(2026, 5, 1, 12, 0, 0)

/** A clock that is off by so much, beside a server that is right; `call` is one request and its `Date` header. */
function machine(offMs: number) {
  let trueMs = serverMs + 400
  const time = correctedClock({ now: () => trueMs + offMs, uptime: () => trueMs, sleep: async () => {} })
  return {
    errorMs: () => time.clock.now() - trueMs,
    observe: time.observe,
    call(thereMs: number, backMs: number) {
      const sentMs = time.localNow()
      trueMs += thereMs
      const header = new Date(trueMs).toUTCString()
      trueMs += backMs
      time.observe(header, sentMs, time.localNow())
    },
  }
}

describe('a clock corrected by the servers', () => {
  it('keeps the time of a machine that is right, to the millisecond', () => {
    const right = machine(0)
    for (let i = 0; i < 50; i++) right.call(i * 7, i * 13)
    expect(right.errorMs()).toBe(0)
  })
  it('keeps a small difference that a header in whole seconds cannot tell', () => {
    const near = machine(-300)
    near.call(10, 10)
    expect(near.errorMs()).toBe(-300)
  })
  for (const [name, offMs] of [
    ['three years behind', -94_608_000_000],
    ['a year ahead', 31_536_000_000],
    ['a minute ahead', 60_000],
  ] as const) {
    it(`is right to a second and the round trip after the first answer, on a machine ${name}`, () => {
      const wrong = machine(offMs)
      wrong.call(20, 30)
      expect(Math.abs(wrong.errorMs())).toBeLessThanOrEqual(1_050)
    })
    it(`comes nearer with more answers, and stays, on a machine ${name}`, () => {
      const wrong = machine(offMs)
      for (let i = 0; i < 200; i++) wrong.call(5, 5 + (i % 11) * 10)
      expect(Math.abs(wrong.errorMs())).toBeLessThanOrEqual(150)
    })
  }
  it('goes back to its own time once that agrees with the servers', () => {
    const time = correctedClock({ now: () => serverMs, uptime: () => serverMs, sleep: async () => {} })
    time.observe(new Date(serverMs + 60_000).toUTCString(), serverMs, serverMs)
    expect(time.clock.now()).toBe(serverMs + 60_000)
    time.observe(new Date(serverMs).toUTCString(), serverMs, serverMs)
    expect(time.clock.now()).toBe(serverMs)
  })
  it('learns nothing from an answer without a date, with a wrong one, or around a jump of the clock', () => {
    const right = machine(0)
    right.observe(undefined, serverMs, serverMs)
    right.observe('yesterday', serverMs, serverMs)
    right.observe(new Date(0).toUTCString(), serverMs, serverMs - 5)
    expect(right.errorMs()).toBe(0)
  })
})
