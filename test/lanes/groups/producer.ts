/** Appends a record to one partition after the other, at whichever server answers, each exactly once. */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

export type Producer = {
  /** How many records each partition is known to have. */
  readonly acknowledged: ReadonlyMap<number, number>
  stop(): Promise<void>
}

/** The emulator has other things to do than to take records. */
const paceMs = 50

export function startProducer(urls: readonly string[], topic: string, partitions: number): Producer {
  const acknowledged = new Map<number, number>()
  let stopping = false
  let at = 0
  const send = async (partition: number, key: string): Promise<{ status: number; text: string } | undefined> => {
    try {
      const response = await fetch(`${urls[at % urls.length]}/topics/${topic}/partitions/${partition}`, {
        method: 'POST',
        headers: { 'content-type': 'application/vnd.kafka.json.v2+json', 'idempotency-key': key },
        body: JSON.stringify({ records: [{ value: key }] }),
      })
      return { status: response.status, text: await response.text() }
    } catch {
      at++
      await pause(5)
      return undefined
    }
  }
  /** `true`: acknowledged. 409: the first one of this key is still under way. */
  const sendOnce = async (partition: number, key: string): Promise<boolean> => {
    const answer = await send(partition, key)
    if (!answer || answer.status === 409 || answer.status >= 500) return false
    if (answer.status === 200) return true
    throw new Error(`a produce was answered ${answer.status}: ${answer.text}`)
  }
  const running = (async () => {
    for (let turn = 0; !stopping; turn++) {
      const partition = turn % partitions
      const key = randomUUID()
      while (!(await sendOnce(partition, key)) && !stopping);
      if (stopping) return
      acknowledged.set(partition, (acknowledged.get(partition) ?? 0) + 1)
      await pause(paceMs)
    }
  })()
  return {
    acknowledged,
    stop: () => {
      stopping = true
      return running
    },
  }
}
