/** kcat. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { killAll, startMillrace } from '../../server/millrace-process.ts'
import { kcatCommand } from './install.ts'
import { killPrograms, type Program, runProgram, startProgram } from './program.ts'

let broker: string
let file: string
const command = (...args: string[]) => ({ file, args: ['-b', broker, ...args] })
const kcat = (...args: string[]) => runProgram(command(...args))
const kcatFed = (input: string, ...args: string[]) => runProgram(command(...args), input)

type Read = {
  readonly offset: number
  readonly ts: number
  readonly key: string | null
  readonly payload: string | null
  readonly headers?: readonly string[]
}
const readAll = async (topic: string, ...args: string[]) =>
  (await kcat('-C', '-q', '-J', '-e', '-t', topic, ...args)).map((line): Read => JSON.parse(line))
const payloads = (records: readonly Read[]) => records.map(({ payload }) => payload)

// As it is without options: topics are made when they are produced to.
beforeAll(async () => {
  file = await kcatCommand()
  broker = (await startMillrace(['--memory'])).kafka
})
afterAll(killAll)
afterEach(killPrograms)

it('produces to a topic that is made for it, and reads it', async () => {
  const topic = `t-${randomUUID()}`
  await kcatFed('one:1\ntwo:2\n', '-P', '-t', topic, '-K:')
  expect(await kcat('-C', '-q', '-e', '-t', topic, '-K:')).toEqual(['one:1', 'two:2'])
  expect((await kcat('-L', '-t', topic)).join('\n')).toContain(`topic "${topic}" with 1 partitions`)
})

it('produces with each compression it has, headers and a tombstone', async () => {
  const topic = `t-${randomUUID()}`
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
  for (const codec of codecs)
    await kcatFed(`k:${codec.repeat(100)}\n`, '-P', '-t', topic, '-K:', '-z', codec, '-H', 'a=1', '-H', 'a=ü')
  await kcatFed('k:\n', '-P', '-t', topic, '-K:', '-Z')
  const records = await readAll(topic)
  expect(payloads(records)).toEqual([...codecs.map((codec) => codec.repeat(100)), null])
  expect(records[0]).toMatchObject({ offset: 0, key: 'k', headers: ['a', '1', 'a', 'ü'] })
})

it('reads from the end, from an offset and from a time', async () => {
  const topic = `t-${randomUUID()}`
  await kcatFed('1\n', '-P', '-t', topic)
  await kcatFed('2\n3\n', '-P', '-t', topic)
  const [, second] = await readAll(topic)
  expect(await kcat('-Q', '-t', `${topic}:0:${second?.ts}`)).toEqual([`${topic} [0] offset 1`])
  expect(payloads(await readAll(topic, '-o', `s@${second?.ts}`))).toEqual(['2', '3'])
  expect(payloads(await readAll(topic, '-o', '2'))).toEqual(['3'])
  expect(payloads(await readAll(topic, '-o', '-1'))).toEqual(['3'])
  expect(await readAll(topic, '-o', 'end')).toEqual([])
})

it('produces idempotently, and with all acknowledgements', async () => {
  const topic = `t-${randomUUID()}`
  const lines = Array.from({ length: 2_000 }, (_, at) => `${at}`)
  const settings = ['-X', 'enable.idempotence=true', '-X', 'batch.num.messages=50']
  await kcatFed(lines.join('\n'), '-P', '-t', topic, ...settings)
  expect(payloads(await readAll(topic))).toEqual(lines)
})

it('reads in a group, and another member goes on where it stopped', async () => {
  const topic = `t-${randomUUID()}`
  const group = `g-${randomUUID()}`
  await kcatFed('1\n2\n3\n', '-P', '-t', topic)
  const member = (count: number) => kcat('-q', '-c', `${count}`, '-X', 'auto.offset.reset=earliest', '-G', group, topic)
  expect(await member(3)).toEqual(['1', '2', '3'])
  await kcatFed('4\n', '-P', '-t', topic)
  expect(await member(1)).toEqual(['4'])
})

it('in a group takes over from one that was killed', async () => {
  const topic = `t-${randomUUID()}`
  const group = `g-${randomUUID()}`
  await kcatFed('1\n2\n', '-P', '-t', topic)
  const member = (): Program =>
    startProgram(
      command('-q', '-u', '-X', 'auto.offset.reset=earliest', '-X', 'session.timeout.ms=6000', '-G', group, topic),
    )
  const first = member()
  await first.until((lines) => lines.length === 2 || undefined)
  await first.kill()
  const second = member()
  await kcatFed('3\n', '-P', '-t', topic)
  await second.until((lines) => lines.includes('3') || undefined)
  await second.kill()
})
