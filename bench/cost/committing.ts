/** Committing positions of a group. */
import { commitOffsets } from '../../src/groups/offsets.ts'
import { createTopic } from '../../src/log/topics.ts'
import { simulation } from './fetching.ts'
import { tickMs } from './setup.ts'
import { newTally, type Tally, tallied } from './tally.ts'

/** Commits of so many partitions at once. */
export async function commit(partitions: number): Promise<Tally> {
  const { simulated, core } = simulation()
  const tally = newTally()
  await simulated.run(async () => {
    const topic = await createTopic(core, { name: 'bench', partitions })
    for (let offset = 1; offset <= 100; offset++) {
      const entries = Array.from({ length: partitions }, (_, partition) => ({ topicId: topic.id, partition, offset }))
      await tallied(tally, core, tickMs, 0, (metered) => commitOffsets(metered, 'billing', entries))
    }
  })
  return tally
}
