import { expect, test } from 'vitest'
import { memberFence } from '../../src/groups/fence.ts'
import { commitOffsets, fetchOffsets, raiseFence } from '../../src/groups/offsets.ts'
import { offsetKey } from '../../src/log/keys.ts'
import { KafkaError } from '../../src/protocol/errors.ts'
import { StoreError } from '../../src/store/errors.ts'
import { set } from '../../src/store/items.ts'
import { newServer } from '../http/kit.ts'

const one = { topicId: 'T', partition: 0 }
const offsetsNow = async (core: Parameters<typeof fetchOffsets>[0]) =>
  (await fetchOffsets(core, 'g', [one])).map((found) => found?.offset)

test('offsets of hundreds of partitions come back in the order asked, the missing ones as such', async () => {
  const { core } = newServer()
  const entries = Array.from({ length: 250 }, (_, partition) => ({ topicId: 'T', partition, offset: partition * 2 }))
  await commitOffsets(core, 'g', entries)
  const wanted = [{ topicId: 'T', partition: 999 }, ...entries.toReversed()]
  const found = (await fetchOffsets(core, 'g', wanted)).map((offset) => offset?.offset)
  expect(found).toEqual([undefined, ...entries.toReversed().map(({ offset }) => offset)])
})

test('metadata and leader epoch are kept, and gone with the next commit that has none', async () => {
  const { core } = newServer()
  await commitOffsets(core, 'g', [{ ...one, offset: 1, metadata: 'mine', leaderEpoch: 3 }])
  expect(await fetchOffsets(core, 'g', [one])).toMatchObject([{ offset: 1, metadata: 'mine', leaderEpoch: 3 }])
  await commitOffsets(core, 'g', [{ ...one, offset: 2 }])
  expect(await fetchOffsets(core, 'g', [one])).toMatchObject([{ offset: 2, metadata: '', leaderEpoch: -1 }])
})

test('a commit from outside the group changes nothing where a member owns the partition', async () => {
  const { core } = newServer()
  await raiseFence(core, 'g', one, memberFence(5, { replaced: { times: 0, generation: 0 } }))
  expect(await offsetsNow(core)).toEqual([undefined])
  const refused = await commitOffsets(core, 'g', [{ ...one, offset: 7 }]).catch((error) => error)
  expect(refused).toBeInstanceOf(KafkaError)
  expect(refused.error).toBe('ILLEGAL_GENERATION')
  expect(await offsetsNow(core)).toEqual([undefined])
})

test('an item of a newer format is refused by name and not overwritten', async () => {
  const { core } = newServer()
  const key = offsetKey('g', one.topicId, one.partition)
  await core.items.update(key, { patches: [set('v', 2), set('offset', 'elsewhere')] })
  for (const call of [commitOffsets(core, 'g', [{ ...one, offset: 1 }]), fetchOffsets(core, 'g', [one])]) {
    const refused = await call.catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(StoreError)
    expect(String(refused)).toContain('committed offset')
  }
  expect(await core.items.get(key)).toEqual({ v: 2, offset: 'elsewhere' })
})
