import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { inFreshFolder, killAll, produce, runMillrace, startMillrace } from './millrace-process.ts'

afterAll(killAll)

const v2 = 'application/vnd.kafka.v2+json'

/** A folder in which the group `readers` has read 2 of the 5 records of `news`, and nobody has it open. */
async function folderWithGroup(folder: string): Promise<string> {
  const data = join(folder, 'data')
  const { url, signal, exited } = await startMillrace(['--data', data])
  await produce(url, 'news', [1, 2, 3, 4, 5])
  const post = async (path: string, body: unknown) => {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': v2 },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(await answer.text())
  }
  await post('/consumers/readers', { name: 'me', format: 'json' })
  await post('/consumers/readers/instances/me/assignments', { partitions: [{ topic: 'news', partition: 0 }] })
  await post('/consumers/readers/instances/me/offsets', { offsets: [{ topic: 'news', partition: 0, offset: 1 }] })
  signal('SIGTERM')
  await exited
  return data
}

describe('millrace groups', () => {
  const groups = async (...args: string[]) => {
    const { code, out, err } = await runMillrace(['groups', ...args])
    expect([code, err]).toEqual([0, ''])
    return out
  }

  it('lists, describes, resets and deletes the groups of a folder', () =>
    inFreshFolder(async (folder) => {
      const at = ['--data', await folderWithGroup(folder)]
      expect(await groups('list', ...at)).toBe('GROUP    STATE  TYPE  ASSIGNOR\nreaders  Empty  -     -\n')
      expect(await groups('describe', 'readers', ...at)).toContain(
        'TOPIC  PARTITION  CURRENT  END  LAG  MEMBER\nnews           0        2    5    3  -\n',
      )
      const reset = ['reset-offsets', 'readers', '--topic', 'news:0', '--shift-by', '-1']
      expect(await groups(...reset, ...at)).toBe(
        'TOPIC  PARTITION  CURRENT  NEW\nnews           0        2    1\n\nNothing was changed: --execute does it.\n',
      )
      const done = JSON.parse(await groups(...reset, '--execute', '--json', ...at))
      expect(done).toEqual({
        group: 'readers',
        executed: true,
        offsets: [{ topic: 'news', partition: 0, from: 2, to: 1 }],
      })
      expect(JSON.parse(await groups('describe', 'readers', '--json', ...at))).toMatchObject({
        state: 'Empty',
        members: [],
        offsets: [{ topic: 'news', currentOffset: 1, lag: 4 }],
      })
      expect(await groups('delete', 'readers', ...at)).toBe('deleted readers\n')
      expect(JSON.parse(await groups('list', '--json', ...at))).toEqual([])
    }))

  it('deletes the groups that can be deleted, and tells of the others', () =>
    inFreshFolder(async (folder) => {
      const names = ['nobody', 'readers', 'nobody2', '--data', await folderWithGroup(folder)]
      expect(await runMillrace(['groups', 'delete', ...names])).toEqual({
        code: 1,
        out: 'deleted readers\n',
        err: 'millrace: The group nobody is not found.\nmillrace: The group nobody2 is not found.\n',
      })
    }))

  it('says in one line what is wrong', () =>
    inFreshFolder(async (folder) => {
      const refused = async (...args: string[]) => {
        const { code, out, err } = await runMillrace(['groups', ...args])
        expect([code, out]).toEqual([1, ''])
        expect(err).toMatch(/^millrace: [^\n]+\n$/)
        return err
      }
      const data = await folderWithGroup(folder)
      const at = ['--data', data]
      expect(await refused('list', '--data', join(folder, 'elsewhere'))).toContain('no data')
      expect(await refused('describe', 'nobody', ...at)).toContain('nobody')
      expect(await refused('delete', 'nobody', ...at)).toContain('nobody')
      expect(await refused('reset-offsets', 'readers', '--to-latest', ...at)).toContain('--all-topics')
      expect(await refused('reset-offsets', 'readers', '--all-topics', ...at)).toContain('--to-earliest')
      expect(await refused('reset-offsets', 'readers', '--to-datetime', 'x', '--all-topics', ...at)).toContain(
        'Not a time',
      )
      expect(await refused('reset-offsets', 'readers', '--to-latest', '--topic', 'never', ...at)).toContain('never')
      const { url } = await startMillrace(at)
      expect(await refused('list', ...at)).toContain(data)
      expect(await produce(url, 'news', [6])).toEqual([5])
    }))
})
