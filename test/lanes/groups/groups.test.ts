/**
 * One group, its members in processes of their own, over two `millrace start` processes that share a table and a bucket on MiniStack.
 * A member is killed, then a server (SIGKILL, both), while records keep coming.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { killAll, type Millrace, startMillrace } from '../../server/millrace-process.ts'
import { committedOf, faultsIn, latestReaders, type Members, membersOf } from './members.ts'
import { type Producer, startProducer } from './producer.ts'

const topic = 'shared'
const partitions = [0, 1, 2, 3, 4, 5]
const sessionMs = 6_000

let servers: Millrace[]
let members: Members
let producer: Producer

const patienceMs = 100_000

/** Waits for a condition. A member that fails ends it. */
async function until(holds: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + patienceMs
  const watching = (async () => {
    while (!holds()) {
      if (Date.now() > deadlineMs) throw new Error(`nothing of the kind in ${patienceMs} ms: ${standing()}`)
      await pause(20)
    }
  })()
  await Promise.race([watching, members.failed])
}

/** For the reader of a failed test. */
const standing = () =>
  partitions
    .map((partition) => {
      const committed = committedOf(members, partition)
      const reader = latestReaders(members).get(partition)
      return `${partition}: ${committed} of ${producer.acknowledged.get(partition)} committed, read by ${reader}`
    })
    .join('; ')

/**
 * The promise is for a store that answers as DynamoDB does. On a machine that has more to do than it can, what each call of a
 * take-over takes longer is added: they come one after the other.
 */
const callsOfATakeOver = 25
const usualCallMs = 12

/**
 * Asks for something that is one call of a store, again and again; `stop` resolves with the mean of those that ended at `fromMs` or
 * later, in milliseconds: a machine that stood still for half a second did so for a take-over too.
 */
function callTimes(fromMs: number): { stop(): Promise<number> } {
  let stopping = false
  const taken: number[] = []
  const running = (async () => {
    while (!stopping) {
      const beganMs = performance.now()
      await (await fetch(`${servers.at(-1)?.url}/consumers/readers/instances/at-first/assignments`)).text()
      if (Date.now() >= fromMs) taken.push(performance.now() - beganMs)
      await pause(50)
    }
  })()
  return {
    stop: async () => {
      stopping = true
      await running
      return taken.reduce((sum, ms) => sum + ms, 0) / Math.max(1, taken.length)
    },
  }
}

/** Which partitions each of these was given records of last, at any later moment. */
async function shared(between: readonly string[], each: number): Promise<void> {
  await until(() => {
    const readers = [...latestReaders(members).values()]
    return (
      readers.length === partitions.length &&
      between.every((name) => readers.filter((one) => one === name).length === each)
    )
  })
}

beforeAll(async () => {
  const name = `groups-${process.pid}`
  const args = ['--store', 'aws', '--table', `${name}-table`, '--bucket', `${name}-bucket`, '--default-partitions', '6']
  const env = { AWS_ENDPOINT_URL: inject('ministackUrl') }
  servers = await Promise.all([startMillrace(args, env), startMillrace(args, env)])
  members = membersOf()
  producer = startProducer(
    servers.map(({ url }) => url),
    topic,
    partitions.length,
  )
})
afterAll(async () => {
  await producer.stop()
  members.killAll()
  await killAll()
})

describe('a group over two servers', () => {
  const start = (name: string, urls: readonly string[], inTurn: boolean) =>
    members.start({ urls, inTurn, topic, group: 'readers', name, sessionMs })

  it('shares the partitions between members that call one server each', async () => {
    const [first = '', second = ''] = servers.map(({ url }) => url)
    start('at-first', [first, second], false)
    start('at-second', [second, first], false)
    await shared(['at-first', 'at-second'], 3)
  })

  it('gives a late joiner its share, whose calls go to the servers in turn', async () => {
    start(
      'in-turn',
      servers.map(({ url }) => url),
      true,
    )
    await shared(['at-first', 'at-second', 'in-turn'], 2)
  })

  it(`moves the partitions of a member that is killed within its session time-out of ${sessionMs} ms and a second`, async () => {
    const readers = latestReaders(members)
    const orphaned = partitions.filter((partition) => readers.get(partition) === 'at-second')
    const killedMs = Date.now()
    await members.kill('at-second')
    const calls = callTimes(killedMs + sessionMs)
    const movedMs = () =>
      orphaned.map((partition) => {
        const found = members.told.find(
          (one) =>
            one.kind === 'delivered' &&
            one.member !== 'at-second' &&
            one.beganMs > killedMs - sessionMs &&
            one.atMs > killedMs &&
            one.places.some((place) => place.partition === partition),
        )
        return found?.kind === 'delivered' ? found.atMs - killedMs : undefined
      })
    await until(() => movedMs().every((ms) => ms !== undefined))
    const callMs = await calls.stop()
    console.log(
      `partitions ${orphaned} of the killed member were read on after ${movedMs()} ms, a call taking ${callMs.toFixed(0)} ms`,
    )
    expect(orphaned).toHaveLength(2)
    const lateMs = Math.max(...movedMs().map((ms) => ms ?? Number.POSITIVE_INFINITY)) - sessionMs
    expect(lateMs).toBeLessThan(1_000 + callsOfATakeOver * Math.max(0, callMs - usualCallMs))
  })

  it('goes on at the other server when one is killed', async () => {
    const [first] = servers
    const before = new Map(producer.acknowledged)
    const killedMs = Date.now()
    first?.signal('SIGKILL')
    await first?.exited
    await until(() =>
      partitions.every((partition) => committedOf(members, partition) > (before.get(partition) ?? 0) + 1),
    )
    console.log(`all partitions were read on ${Date.now() - killedMs} ms after the server was killed`)
  })

  it('loses nothing, and gives nothing again that was committed', async () => {
    await producer.stop()
    const { acknowledged } = producer
    await until(() =>
      partitions.every((partition) => committedOf(members, partition) >= (acknowledged.get(partition) ?? 0)),
    )
    expect(faultsIn(members, acknowledged)).toEqual([])
    const count = [...acknowledged.values()].reduce((sum, one) => sum + one, 0)
    const given = members.told.reduce((sum, one) => sum + (one.kind === 'delivered' ? one.places.length : 0), 0)
    console.log(`${count} records, ${given - count} of them given twice`)
  })
})
