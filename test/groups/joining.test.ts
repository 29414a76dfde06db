import { expect, test } from 'vitest'
import { MemberIdRequired } from '../../src/groups/join.ts'
import { errorOf, newConsumer, newWorld, sessionMs, settleAll } from './kit.ts'

test('a new member of a newer client gets an id first, and joins with it', async () => {
  const { server, during } = newWorld()
  const core = server()
  const one = newConsumer(core, { requireKnownMemberId: true })
  const refused = await during(one.join().catch((error: unknown) => error))
  if (!(refused instanceof MemberIdRequired)) throw new Error(`not a member id: ${refused}`)
  expect(refused.error).toBe('MEMBER_ID_REQUIRED')
  await during(one.join({ memberId: refused.memberId }))
  expect(one.reply).toMatchObject({ memberId: refused.memberId, leader: refused.memberId, generation: 1 })
})

test('an id that was given and never used is forgotten', async () => {
  const { server, during, pass } = newWorld()
  const core = server()
  const never = newConsumer(core, { requireKnownMemberId: true })
  const refused = await never.join().catch((error: unknown) => error)
  await pass(sessionMs + 1)
  const one = newConsumer(core)
  await during(one.settle())
  const memberId = refused instanceof MemberIdRequired ? refused.memberId : ''
  expect(await errorOf(during(never.join({ memberId })))).toBe('UNKNOWN_MEMBER_ID')
  expect(one.reply.members).toHaveLength(1)
})

test('an unknown member id, no group id, a session out of bounds are refused', async () => {
  const { server, during } = newWorld()
  const core = server()
  expect(await errorOf(during(newConsumer(core, { memberId: 'nobody' }).join()))).toBe('UNKNOWN_MEMBER_ID')
  expect(await errorOf(during(newConsumer(core, { group: '' }).join()))).toBe('INVALID_GROUP_ID')
  for (const sessionTimeoutMs of [5_999, 1_800_001]) {
    expect(await errorOf(during(newConsumer(core, { sessionTimeoutMs }).join()))).toBe('INVALID_SESSION_TIMEOUT')
  }
})

const speaking = (...names: string[]) => ({
  protocols: names.map((name) => ({ name, metadata: new Uint8Array([0, 1]) })),
})

test('members agree on a protocol that all of them support', async () => {
  const { server, during } = newWorld()
  const core = server()
  const three = [speaking('a', 'b', 'c'), speaking('c', 'b'), speaking('c', 'b', 'a')].map((says) =>
    newConsumer(core, says),
  )
  await during(Promise.all(three.map((consumer) => consumer.join())))
  expect(three.map(({ reply }) => reply.protocol)).toEqual(['c', 'c', 'c'])
})

test('who shares no protocol or is of another type is refused, and the group goes on', async () => {
  const { server, during } = newWorld()
  const core = server()
  const one = newConsumer(core, speaking('a', 'b'))
  const two = newConsumer(core, speaking('b', 'c'))
  await during(Promise.all([one.join(), two.join()]))
  expect(one.reply.protocol).toBe('b')
  for (const wishes of [speaking('a'), speaking('d'), { ...speaking('b'), protocolType: 'connect' }, speaking()]) {
    expect(await errorOf(during(newConsumer(core, wishes).join()))).toBe('INCONSISTENT_GROUP_PROTOCOL')
  }
  await during(Promise.all([one.sync(), two.sync()]))
  expect(await errorOf(one.heartbeat())).toBe('none')
})

test('a full group takes no more, until one of its members has gone', async () => {
  const { server, during, pass } = newWorld({ groupMaxSize: 2 })
  const core = server()
  const [one, two] = [newConsumer(core), newConsumer(core)]
  await during(settleAll([one, two]))
  expect(await errorOf(during(newConsumer(core).join()))).toBe('GROUP_MAX_SIZE_REACHED')
  expect(await errorOf(one.heartbeat())).toBe('none')
  await pass(sessionMs / 2)
  await one.heartbeat()
  await pass(sessionMs / 2 + 1)
  const three = newConsumer(core)
  await during(Promise.all([three.settle(), one.settle()]))
  expect(await errorOf(three.heartbeat())).toBe('none')
})
