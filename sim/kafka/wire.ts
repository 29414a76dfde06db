/**
 * Connections of simulated Kafka clients: frames come in the order sent and are answered in order, as `src/server/kafka` does it, over
 * a network that breaks now and then.
 */
import { answererOf } from '../../src/broker/answer-frame.ts'
import type { Broker } from '../../src/broker/broker.ts'
import type { Peer } from '../../src/broker/caller.ts'
import type { Where } from '../history.ts'
import type { Machine } from '../machine.ts'
import type { Chance } from '../random.ts'
import type { Time } from '../time.ts'

/** In which epoch a broker led when a request came, and when it answered. */
export type Epochs = { readonly node: number; readonly from: number; readonly to: number }
export type Reply = { readonly bytes: Uint8Array; readonly epochs: Epochs | undefined }

export type Wire = {
  /** A frame without its length. `where`: the partition whose leader is asked. */
  send(frame: Uint8Array, waitMsMax: number, where?: Where): Promise<Reply | 'closed'>
  /** What was sent goes on at the broker; nobody hears of it. */
  close(): void
  isOpen(): boolean
}

type Ends = { readonly time: Time; readonly chance: Chance; readonly machine: Machine; readonly broker: Broker }

let connections = 0
/** Connections are numbered within a run. */
export const beginConnections = (): void => {
  connections = 0
}

/** `breaks`: how likely each request is to meet the end of its connection, before or after it came. */
export function connect({ time, chance, machine, broker }: Ends, breaks: () => number): Wire {
  const answerer = answererOf(broker)
  const end = new AbortController()
  const waiting = new Set<(reply: 'closed') => void>()
  const connectionId = `c${connections++}`
  /** The last request that came: when it has its place, and when it and all before it are answered. */
  let placed: Promise<unknown> = Promise.resolve()
  let answered: Promise<unknown> = Promise.resolve()
  let [arrivesMs, returnsMs] = [0, 0]
  const close = () => {
    end.abort()
    for (const tell of waiting) time.after(chance.between(1, 5), () => tell('closed'))
    waiting.clear()
  }
  /** Frames of one direction do not overtake each other. */
  const arrival = () => {
    arrivesMs = Math.max(arrivesMs, time.now() + chance.between(0, 3))
    return arrivesMs
  }
  const begin = async (frame: Uint8Array, waitMsMax: number, where: Where | undefined): Promise<Reply> => {
    let isPlaced = () => {}
    const overlaps = answerer.overlaps(frame)
    const before = overlaps ? placed : answered
    const ordered = new Promise<void>((resolve) => {
      isPlaced = resolve
    })
    const peer: Peer = { clientHost: 'simulated', connectionId, signal: end.signal, waitMsMax, onOrdered: isPlaced }
    const work = (async () => {
      await before
      const from = where && epochOf(broker, where)
      const answer = await answerer.answer(peer, frame)
      const to = where && epochOf(broker, where)
      if (!answer) throw new Error('a request was not answered')
      const epochs = from && to && from.node === to.node ? { node: to.node, from: from.epoch, to: to.epoch } : undefined
      return { bytes: Buffer.concat(answer).subarray(4), epochs }
    })()
    const earlier = answered
    placed = overlaps ? Promise.race([ordered, work.catch(() => {})]) : work.catch(() => {})
    answered = Promise.all([earlier, work.catch(() => {})])
    const reply = await work
    await earlier
    return reply
  }
  return {
    close,
    isOpen: () => !end.signal.aborted && machine.isAlive(),
    send: (frame, waitMsMax, where) =>
      new Promise((resolve, reject) => {
        if (end.signal.aborted || !machine.isAlive()) return void time.after(1, () => resolve('closed'))
        waiting.add(resolve)
        const isLost = chance.happens(breaks())
        const isHeard = !chance.happens(breaks())
        if (isLost) return void time.after(chance.between(1, 20), close)
        time.at(arrival(), () =>
          machine.resume(() => {
            // Also where its connection has ended by then: a process that slept finds it in its buffers.
            if (!isHeard) time.after(chance.between(1, 50), close)
            begin(frame, waitMsMax, where).then((reply) => {
              returnsMs = Math.max(returnsMs, time.now() + chance.between(0, 3))
              time.at(returnsMs, () => {
                if (waiting.delete(resolve)) resolve(reply)
              })
            }, reject)
          }),
        )
      }),
  }
}

const epochOf = ({ view }: Broker, { topicId, partition }: Where) => ({
  node: view.nodeId,
  epoch: view.leaderEpochOf(topicId, partition),
})
