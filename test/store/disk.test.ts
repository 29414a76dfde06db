import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openDisk } from '../../src/store/embedded/disk.ts'
import { add, append, type ItemStore, remove, set } from '../../src/store/items.ts'
import { describeStores } from './contract.ts'
import { someBytes } from './fresh.ts'

const made: string[] = []

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-disk-'))
  made.push(folder)
  return folder
}

afterAll(async () => {
  for (const folder of made) await rm(folder, { recursive: true, force: true })
})

describeStores('stores on disk', async () => ({ stores: await openDisk(join(await freshFolder(), 'new', 'data')) }))

describe('a data folder', () => {
  it('keeps everything when it is opened again', async () => {
    const folder = await freshFolder()
    const first = await openDisk(folder)
    for (let i = 0; i < 50; i++)
      await first.items.update({ pk: 'p', sk: `s${i % 10}` }, { patches: [add('n', 1), append('l', i)] })
    await first.items.delete({ pk: 'p', sk: 's3' })
    await first.objects.put('blobs/ab/one', [someBytes(100_000)])
    await first.objects.put('blobs/ab/two', [])
    await first.close()

    const second = await openDisk(folder)
    const rows = await second.items.query({ pk: 'p', limit: 100 })
    expect(rows.map(({ sk }) => sk)).toEqual(['s0', 's1', 's2', 's4', 's5', 's6', 's7', 's8', 's9'])
    expect(rows[0]?.item).toEqual({ n: 5, l: [0, 10, 20, 30, 40] })
    expect(await second.objects.get('blobs/ab/one')).toEqual(someBytes(100_000))
    expect(await second.objects.put('blobs/ab/two', [someBytes(1)])).toBe('exists')
    await second.close()
  })

  it('is refused where nothing can be made: behind a link to nowhere', { timeout: 60_000 }, async () => {
    const folder = await freshFolder()
    await symlink(join(folder, 'not mounted'), join(folder, 'link'))
    const data = join(folder, 'link', 'data')
    await expect(openDisk(data)).rejects.toThrow(`${data} cannot be used as data folder: ENOENT`)
  })

  it('forgets items whose ttl has passed with later writes, a bounded number at a time', async () => {
    const folder = await freshFolder()
    let nowMs = 1_000_000
    const first = await openDisk(folder, () => nowMs)
    const key = (at: number) => ({ pk: `once/${at}`, sk: 'once' })
    const write = (items: ItemStore, at: number, ttl?: number) =>
      items.update(key(at), { patches: [set('a', at), ...(ttl === undefined ? [] : [set('ttl', ttl)])] })
    for (let at = 0; at < 250; at++) await write(first.items, at, 2_000)
    await write(first.items, 250)
    // Given more time, or all of it, since.
    await write(first.items, 7, 9_000)
    await first.items.update(key(8), { patches: [remove('ttl')] })
    await first.close()

    const second = await openDisk(folder, () => nowMs)
    const left = async () => {
      const found = await Promise.all(Array.from({ length: 251 }, (_, at) => second.items.get(key(at))))
      return found.flatMap((item, at) => (item ? [at] : []))
    }
    const other = () => second.items.update({ pk: 'p', sk: 's' }, { patches: [add('n', 1)] })
    await other()
    expect(await left()).toHaveLength(251)
    nowMs = 2_000_000
    // One that is written just then stays as it is written.
    await write(second.items, 0, 2_500)
    expect((await left()).length).toBeGreaterThanOrEqual(151)
    for (let at = 0; at < 3; at++) await other()
    expect(await left()).toEqual([0, 7, 8, 250])
    nowMs = 9_060_000
    await other()
    expect(await left()).toEqual([8, 250])
    await second.close()
  })

  it('holds objects as files of nothing but their bytes', async () => {
    const folder = await freshFolder()
    const stores = await openDisk(folder)
    await stores.objects.put('blobs/ab/one', [someBytes(10), someBytes(20)])
    await stores.close()
    expect(new Uint8Array(await readFile(join(folder, 'objects/blobs/ab/one')))).toEqual(
      Uint8Array.from([...someBytes(10), ...someBytes(20)]),
    )
    expect(await readdir(join(folder, 'temporary'))).toEqual([])
  })

  it('forgets the unnamed files that a crash left behind', async () => {
    const folder = await freshFolder()
    await (await openDisk(folder)).close()
    await writeFile(join(folder, 'temporary', '0'), 'half of an obj')
    const stores = await openDisk(folder)
    expect(await stores.objects.put('a', [someBytes(3)])).toBe('created')
    expect(await stores.objects.list('', { limit: 10 })).toMatchObject([{ key: 'a', size: 3 }])
    await stores.close()
    expect(await readdir(join(folder, 'temporary'))).toEqual([])
  })

  it('that is open is refused to a second one, and free again after a close', async () => {
    const folder = await freshFolder()
    const stores = await openDisk(folder)
    await expect(openDisk(folder)).rejects.toMatchObject({
      trouble: 'misconfigured',
      message: expect.stringContaining('is in use by another process'),
    })
    await stores.items.update({ pk: 'p', sk: 's' }, { patches: [set('still', 'works')] })
    await stores.close()
    const again = await openDisk(folder)
    expect(await again.items.get({ pk: 'p', sk: 's' })).toEqual({ still: 'works' })
    await again.close()
  })

  it('of an unknown format is refused by name', async () => {
    const folder = await freshFolder()
    await writeFile(join(folder, 'format'), 'millrace 2\n')
    await expect(openDisk(folder)).rejects.toMatchObject({
      trouble: 'misconfigured',
      message: expect.stringMatching(/"millrace 2".*understands "millrace 1"/),
    })
    expect(await readdir(folder)).toEqual(['format'])
  })

  it('that is something else is refused and left alone', async () => {
    const folder = await freshFolder()
    await writeFile(join(folder, 'holiday.jpg'), 'x')
    await expect(openDisk(folder)).rejects.toMatchObject({
      trouble: 'misconfigured',
      message: expect.stringContaining('holiday.jpg'),
    })
    await expect(openDisk(join(folder, 'holiday.jpg'))).rejects.toMatchObject({ trouble: 'misconfigured' })
    expect(await readdir(folder)).toEqual(['holiday.jpg'])
  })

  it('whose making was cut short is made anew', async () => {
    const folder = await freshFolder()
    await writeFile(join(folder, 'format.new'), 'mill')
    await (await openDisk(folder)).close()
    expect(await readFile(join(folder, 'format'), 'utf8')).toBe('millrace 1\n')
  })

  it('answers that it is closed once it is', async () => {
    const stores = await openDisk(await freshFolder())
    await stores.close()
    await expect(stores.items.update({ pk: 'p', sk: 's' }, { patches: [] })).rejects.toMatchObject({
      trouble: 'unavailable',
    })
    await expect(stores.items.get({ pk: 'p', sk: 's' })).rejects.toMatchObject({ trouble: 'unavailable' })
  })

  // Written by the first program of format 1, and never again: every later one must read it.
  it('of format 1 is read', async () => {
    const folder = join(await freshFolder(), 'data')
    await mkdir(folder)
    await cp(join(import.meta.dirname, '../fixtures/data-folder-v1'), folder, { recursive: true })
    const stores = await openDisk(folder)
    const head = {
      next: 3,
      tail: [Uint8Array.from([1, 0, 255]), 'x', 1.5],
      text: 'é😀',
      big: 9007199254740991,
      neg: -3,
    }
    expect(await stores.items.query({ pk: 'topic/\u0000one', limit: 10 })).toEqual([
      { sk: '0', item: head },
      { sk: '1', item: { empty: {}, none: null, yes: true, bytes: new Uint8Array() } },
    ])
    expect(await stores.objects.list('', { limit: 10 })).toMatchObject([{ key: 'blobs/ab/one', size: 5 }])
    expect(await stores.objects.get('blobs/ab/one')).toEqual(someBytes(5))
    await stores.close()
  })
})
