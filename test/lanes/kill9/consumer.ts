/**
 * A consumer instance that outlives its servers: it is created once, and each later call finds its assignment and its positions.
 * A poll moves the positions before it answers, so a lost answer may have taken records with it, and none ever comes twice.
 */
import { expect } from 'vitest'
import { call, type DoomedServer, insist, management } from './doomed-server.ts'

const base = '/consumers/survivors/instances/one'
const type = { 'content-type': management }

type Following = {
  /** The next offset this client expects. */
  next: number
  /** Next offsets committed: as acknowledged, and as sent at most. */
  committed: number
  sent: number
}

export type Consumer = {
  readonly topic: string
  readonly partitions: readonly Following[]
  readonly counts: { polls: number; lostPolls: number; gaps: number; commits: number; lostCommits: number }
  /** Lost answers since the last gap: each may account for one a partition. */
  readonly mayLack: number[]
}

export async function newConsumer(server: DoomedServer, topic: string, partitions: number): Promise<Consumer> {
  const settings = { name: 'one', format: 'json', 'auto.offset.reset': 'earliest' }
  await insist(server, 'POST', '/consumers/survivors', settings, type)
  const numbers = Array.from({ length: partitions }, (_, partition) => partition)
  await insist(
    server,
    'POST',
    `${base}/assignments`,
    { partitions: numbers.map((partition) => ({ topic, partition })) },
    type,
  )
  return {
    topic,
    partitions: numbers.map(() => ({ next: 0, committed: 0, sent: 0 })),
    counts: { polls: 0, lostPolls: 0, gaps: 0, commits: 0, lostCommits: 0 },
    mayLack: numbers.map(() => 0),
  }
}

/** Polls, and commits what it was given, until the end. */
export async function consume(server: DoomedServer, consumer: Consumer, ended: () => boolean): Promise<void> {
  while (!ended()) {
    await poll(server, consumer)
    for (const [partition, following] of consumer.partitions.entries()) {
      if (following.next > following.sent) await commit(server, consumer, partition, following)
    }
  }
}

async function poll(server: DoomedServer, { counts, mayLack, partitions }: Consumer): Promise<void> {
  const answer = await call(server, 'GET', `${base}/records?timeout=20`)
  if (answer === undefined) {
    counts.lostPolls++
    for (const at of mayLack.keys()) mayLack[at] = (mayLack[at] ?? 0) + 1
    return
  }
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  counts.polls++
  // The cast: the contract's answer.
  for (const { partition, offset } of answer.body as { partition: number; offset: number }[]) {
    const following = partitions[partition]
    if (!following) throw new Error(`partition ${partition} was never assigned`)
    if (offset !== following.next) {
      expect(offset, `partition ${partition}: a record came twice`).toBeGreaterThan(following.next)
      expect(mayLack[partition], `partition ${partition}: ${following.next} to ${offset} were skipped`).toBeGreaterThan(
        0,
      )
      mayLack[partition] = (mayLack[partition] ?? 0) - 1
      counts.gaps++
    }
    following.next = offset + 1
  }
}

async function commit(server: DoomedServer, { topic, counts }: Consumer, partition: number, following: Following) {
  const { next } = following
  following.sent = next
  const answer = await call(
    server,
    'POST',
    `${base}/offsets`,
    { offsets: [{ topic, partition, offset: next - 1 }] },
    type,
  )
  if (answer === undefined) {
    counts.lostCommits++
    return
  }
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  counts.commits++
  following.committed = next
}

/** The instance is as it was left: assigned as ever, and no acknowledged commit lost. */
export async function checkConsumer(server: DoomedServer, { topic, partitions }: Consumer): Promise<void> {
  const wanted = partitions.map((_, partition) => ({ topic, partition }))
  expect(await insist(server, 'GET', `${base}/assignments`)).toEqual({ partitions: wanted })
  const known = partitions.map(({ committed }) => committed)
  // The cast: the contract's answer.
  const { offsets } = (await insist(server, 'GET', `${base}/offsets`)) as {
    offsets: { partition: number; offset: number }[]
  }
  for (const [partition, least] of known.entries()) {
    const offset = offsets.find((one) => one.partition === partition)?.offset ?? 0
    expect(offset, `partition ${partition}: a commit was lost`).toBeGreaterThanOrEqual(least)
    expect(offset, `partition ${partition}: a commit that nobody made`).toBeLessThanOrEqual(
      partitions[partition]?.sent ?? 0,
    )
  }
}
