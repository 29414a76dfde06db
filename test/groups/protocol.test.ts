import { describe, expect, it } from 'vitest'
import { decodeStickyUserData, encodeStickyUserData } from '../../src/groups/assignors/sticky-user-data.ts'
import {
  consumerProtocolSubscription,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../src/groups/protocol.ts'

const owned = [{ topic: 'orders', partitions: [0, 2] }]
const broken = expect.objectContaining({ error: 'INVALID_REQUEST' })
const error = (run: () => unknown) => {
  try {
    return run()
  } catch (thrown) {
    return thrown
  }
}

describe('a subscription', () => {
  it('says what its member wants, has and knows', () => {
    const all = { topics: ['orders', 'größe'], userData: Buffer.from('x'), owned, generation: 4, rack: 'a' }
    expect(decodeSubscription(encodeSubscription(all))).toEqual(all)
    expect(decodeSubscription(encodeSubscription({ topics: ['t'] }))).toEqual({
      topics: ['t'],
      owned: [],
      generation: -1,
    })
  })

  it('of an old client owns nothing and knows no generation', () => {
    const old = { topics: ['t'], ownedPartitions: owned, generationId: 3, rackId: 'a' }
    const v0 = Buffer.concat([Buffer.from([0, 0]), consumerProtocolSubscription.encode(0, old)])
    expect(decodeSubscription(v0)).toEqual({ topics: ['t'], owned: [], generation: -1 })
    const v1 = Buffer.concat([Buffer.from([0, 1]), consumerProtocolSubscription.encode(1, old)])
    expect(decodeSubscription(v1)).toEqual({ topics: ['t'], owned, generation: -1 })
  })

  it('of a version to come is read as far as it is known', () => {
    const newer = Buffer.concat([encodeSubscription({ topics: ['t'], owned, generation: 4 }), Buffer.from([1, 2, 3])])
    newer[1] = 9
    expect(decodeSubscription(newer)).toEqual({ topics: ['t'], owned, generation: 4 })
  })

  it('that is none is refused', () => {
    const whole = encodeSubscription({ topics: ['t'], owned, generation: 4 })
    for (let length = 0; length < whole.length; length++)
      expect(error(() => decodeSubscription(whole.subarray(0, length)))).toEqual(broken)
    expect(error(() => decodeSubscription(Buffer.from('ffff00000000ffffffff', 'hex')))).toEqual(broken)
  })
})

describe('an assignment', () => {
  it('names partitions', () => {
    expect(decodeAssignment(encodeAssignment({ partitions: owned }))).toEqual({ partitions: owned })
    const userData = Buffer.from('x')
    expect(decodeAssignment(encodeAssignment({ partitions: [], userData }))).toEqual({ partitions: [], userData })
  })

  it('of no bytes is one of no partitions', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual({ partitions: [] })
  })

  it('that is none is refused', () => {
    expect(error(() => decodeAssignment(Buffer.from('0001000000', 'hex')))).toEqual(broken)
  })
})

describe('user data of a sticky member', () => {
  it('name its last assignment and when that was', () => {
    expect(decodeStickyUserData(encodeStickyUserData({ owned, generation: 7 }))).toEqual({ owned, generation: 7 })
  })

  it("are those of Kafka's StickyAssignor", () => {
    // As its `subscriptionUserData` of kafka-clients 4.1.0 wrote them.
    const kafkas = `000000010006${Buffer.from('orders').toString('hex')}00000002000000000000000200000007`
    expect(Buffer.from(encodeStickyUserData({ owned, generation: 7 })).toString('hex')).toBe(kafkas)
  })

  it('of an old client lack the generation', () => {
    const v0 = encodeStickyUserData({ owned, generation: 7 }).subarray(0, -4)
    expect(decodeStickyUserData(v0)).toEqual({ owned, generation: -1 })
  })

  it('that are none claim nothing', () => {
    expect(decodeStickyUserData(Buffer.from('junk'))).toEqual({ owned: [], generation: -1 })
  })
})
