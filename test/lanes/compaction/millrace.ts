/**
 * Millrace's port over a folder, as `millrace start` opens it, but in a clock that can be put forward: what was rolled away is kept for ten
 * minutes, and passes are as far apart. The maintenance is that of `millrace maintain`.
 */
import { newBroker } from '../../../src/broker/broker.ts'
import { oneNode } from '../../../src/broker/cluster-view.ts'
import { flushTogether } from '../../../src/broker/flush-together.ts'
import { findTopic } from '../../../src/log/topics.ts'
import { maintainByHand } from '../../../src/maintenance/by-hand.ts'
import { readCompaction } from '../../../src/maintenance/compaction-state.ts'
import { defaultSettings } from '../../../src/runtime/settings.ts'
import { systemClock } from '../../../src/runtime/system.ts'
import { startKafkaServer } from '../../../src/server/kafka/listener.ts'
import { localCore } from '../../../src/server/local-handlers.ts'
import { openDisk } from '../../../src/store/embedded/disk.ts'
import type { Side } from './side.ts'

/** From one pass to the next. */
const forwardMs = 11 * 60_000

export async function openMillrace(folder: string): Promise<Side> {
  const stores = await openDisk(folder)
  let aheadMs = 0
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs }
  const core = localCore(stores, clock, { ...defaultSettings, cachesAppended: true })
  const reports: unknown[] = []
  const kafka = await startKafkaServer({
    host: '127.0.0.1',
    port: 0,
    clock,
    brokerAt: ({ host, port }) =>
      newBroker({
        core,
        view: oneNode(host, port),
        append: flushTogether(core),
        appendsInOrder: true,
        report: (error) => reports.push(error),
      }),
  })
  const maintained = async (topic: string) => {
    aheadMs += forwardMs
    const failures: unknown[] = []
    const done = ({ error }: { error?: unknown }) => void (error && failures.push(error))
    await maintainByHand(core, { topics: [topic], done, progress: () => {} })
    if (failures.length > 0) throw failures[0]
  }
  return {
    name: 'Millrace',
    port: kafka.port,
    async cleaned(topic, end) {
      await maintained(topic)
      const id = (await findTopic(core, topic))?.id ?? ''
      const { state } = await readCompaction(core, { topicId: id, partition: 0 })
      if (state.cleaned < end) throw new Error(`Millrace cleaned ${topic} up to ${state.cleaned}, and not to ${end}`)
    },
    async retained(topic, condition) {
      await maintained(topic)
      if (!(await condition())) throw new Error(`Millrace has not retained ${topic}`)
    },
    async stop() {
      await kafka.stop(0)
      await stores.close()
      if (reports.length > 0) throw reports[0]
    },
  }
}
