/**
 * A member of a group in a process of its own (started by members.ts): polls, reports what it was given, commits it, for ever. Where
 * an answer is lost, it goes back to what is committed, as the README advises.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Job, Place, Report } from './members.ts'

// The cast: members.ts wrote it.
const { urls, inTurn, topic, group, name, sessionMs } = JSON.parse(process.argv[2] ?? '') as Job
const management = 'application/vnd.kafka.v2+json'
const base = `/consumers/${group}/instances/${name}`

const report = (one: Report): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(one, undefined, undefined, () => resolve())
  })

/** Those that answered last time; a server that does not is left for good. */
const alive = [...urls]
let at = 0

/** `undefined`: nobody answered, or with trouble that may pass. */
async function call(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown } | undefined> {
  const url = alive[at % alive.length]
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { accept: `application/vnd.kafka.json.v2+json, ${management}`, 'content-type': management },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (inTurn) at++
    if (response.status >= 500) return undefined
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  } catch {
    if (alive.length > 1) alive.splice(at % alive.length, 1)
    // One turn of the loop at least, so that whoever was killed is noticed.
    await pause(5)
    return undefined
  }
}

async function insist(method: string, path: string, allowed: readonly number[], body?: unknown): Promise<unknown> {
  for (;;) {
    const answer = await call(method, path, body)
    if (!answer) continue
    if (!allowed.includes(answer.status))
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer)}`)
    return answer.body
  }
}

/** An answer was lost, and with it perhaps records: those that are not committed have to come again. */
async function goBack(): Promise<void> {
  // The casts: the contract's answers.
  const { partitions } = (await insist('GET', `${base}/assignments`, [200])) as { partitions: Omit<Place, 'offset'>[] }
  const { offsets } = (await insist('GET', `${base}/offsets`, [200])) as { offsets: Place[] }
  const isKnown = (wanted: { partition: number }) => offsets.some(({ partition }) => partition === wanted.partition)
  const never = partitions.filter((partition) => !isKnown(partition))
  // 409: not its partitions any more. Whoever has them goes on from what is committed.
  const places = offsets.map(({ partition, offset }) => ({ topic, partition, offset }))
  if (places.length > 0) await insist('POST', `${base}/positions`, [204, 409], { offsets: places })
  if (never.length > 0) await insist('POST', `${base}/positions/beginning`, [204, 409], { partitions: never })
}

async function commit(records: readonly Place[]): Promise<void> {
  const latest = new Map(records.map(({ partition, offset }) => [partition, offset]))
  const offsets = Array.from(latest, ([partition, offset]) => ({ topic, partition, offset }))
  const answer = await call('POST', `${base}/offsets`, { offsets })
  if (answer?.status === 200) {
    const next = offsets.map(({ partition, offset }) => ({ partition, offset: offset + 1 }))
    await report({ kind: 'committed', places: next, ackMs: Date.now() })
  } else if (answer && answer.status !== 409) {
    throw new Error(`a commit was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  }
}

const settings = {
  name,
  format: 'json',
  'auto.offset.reset': 'earliest',
  'auto.commit.enable': 'false',
  'session.timeout.ms': sessionMs,
}
// 409: made by a call whose answer was lost.
await insist('POST', `/consumers/${group}`, [200, 409], settings)
await insist('POST', `${base}/subscription`, [204], { topics: [topic] })
for (;;) {
  const beganMs = Date.now()
  const answer = await call('GET', `${base}/records?timeout=1000`)
  if (!answer) {
    await goBack()
    continue
  }
  if (answer.status !== 200) throw new Error(`a poll was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  // The cast: the contract's answer.
  const records = (answer.body as Place[]).map(({ partition, offset }) => ({ partition, offset }))
  if (records.length === 0) continue
  await report({ kind: 'delivered', places: records, beganMs, atMs: Date.now() })
  await commit(records)
}
