import { describe, expect, it } from 'vitest'
import type { ObjectStore } from '../../src/store/objects.ts'
import { freshName, someBytes } from './fresh.ts'

export function objectContract(objects: () => ObjectStore): void {
  const freshObject = () => `${freshName()}/ab/object`

  describe('an object', () => {
    it('is put once, and read whole', async () => {
      const key = freshObject()
      expect(await objects().put(key, [someBytes(1000)])).toBe('created')
      expect(await objects().get(key)).toEqual(someBytes(1000))
    })
    it('that is taken stays what it was', async () => {
      const key = freshObject()
      await objects().put(key, [someBytes(10)])
      expect(await objects().put(key, [someBytes(20)])).toBe('exists')
      expect(await objects().get(key)).toEqual(someBytes(10))
    })
    it('of many parts is their bytes one after the other', async () => {
      const key = freshObject()
      await objects().put(key, [someBytes(3), new Uint8Array(), someBytes(2, 7), someBytes(70_000, 5)])
      expect(await objects().get(key)).toEqual(
        Uint8Array.from([...someBytes(3), ...someBytes(2, 7), ...someBytes(70_000, 5)]),
      )
    })
    it('may be empty', async () => {
      const [key, other] = [freshObject(), freshObject()]
      expect(await objects().put(key, [])).toBe('created')
      expect(await objects().put(other, [new Uint8Array()])).toBe('created')
      expect(await objects().get(key)).toEqual(new Uint8Array())
      expect(await objects().put(key, [])).toBe('exists')
    })
    it('of 5 MB comes back whole, and in ranges', async () => {
      const key = freshObject()
      const [half, rest] = [someBytes(2_500_000), someBytes(2_742_880, 99)]
      await objects().put(key, [half, rest])
      const whole = await objects().get(key)
      expect(whole?.length).toBe(5 * 1024 * 1024)
      expect(Buffer.from(whole ?? []).equals(Buffer.concat([half, rest]))).toBe(true)
      expect(await objects().get(key, { start: 2_499_998, end: 2_500_003 })).toEqual(
        Uint8Array.from([...half.subarray(-2), ...rest.subarray(0, 3)]),
      )
    })
    it('that does not exist is undefined, also in a range', async () => {
      expect(await objects().get(freshObject())).toBeUndefined()
      expect(await objects().get(freshObject(), { start: 0, end: 10 })).toBeUndefined()
    })
    it('gives what a range covers, and what there is where it runs over the end', async () => {
      const key = freshObject()
      await objects().put(key, [Uint8Array.from([0, 1, 2, 3, 4])])
      const read = async (start: number, end: number) => [
        ...((await objects().get(key, { start, end })) ?? ['missing']),
      ]
      expect(await read(0, 5)).toEqual([0, 1, 2, 3, 4])
      expect(await read(1, 3)).toEqual([1, 2])
      expect(await read(4, 5)).toEqual([4])
      expect(await read(3, 100)).toEqual([3, 4])
      expect(await read(5, 10)).toEqual([])
      expect(await read(2, 2)).toEqual([])
      expect(await read(0, 0)).toEqual([])
    })
    it('raced for by 16 writers is created by exactly one, and holds what that one wrote', async () => {
      const key = freshObject()
      const outcomes = await Promise.all(
        Array.from({ length: 16 }, (_, i) => objects().put(key, [someBytes(5_000, i)])),
      )
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1)
      expect(await objects().get(key)).toEqual(someBytes(5_000, outcomes.indexOf('created')))
    })
    it('is no window on the caller', async () => {
      const key = freshObject()
      const given = someBytes(10)
      await objects().put(key, [given])
      given.fill(9)
      ;(await objects().get(key))?.fill(8)
      expect(await objects().get(key)).toEqual(someBytes(10))
    })
    it('that is deleted is gone, and deleting what is missing is no mistake', async () => {
      const [a, b] = [freshObject(), freshObject()]
      await objects().put(a, [someBytes(1)])
      await objects().put(b, [someBytes(1)])
      await objects().delete([a, freshObject(), b])
      expect(await objects().get(a)).toBeUndefined()
      expect(await objects().get(b)).toBeUndefined()
      await objects().delete([a])
      await objects().delete([])
    })
    it('is refused under a name that leads elsewhere', async () => {
      const dir = freshName()
      for (const key of [
        '',
        '/etc/x',
        `${dir}/../x`,
        '..',
        `${dir}//x`,
        `${dir}/./x`,
        `${dir}/a\0b`,
        `${dir}/${'k'.repeat(1024)}`,
      ]) {
        await expect(objects().put(key, [someBytes(1)]), JSON.stringify(key)).rejects.toThrow()
      }
    })
  })

  describe('a list of objects', () => {
    it('is in order, knows sizes and times, and holds only what is under the prefix', async () => {
      const dir = freshName()
      const keys = ['b/1', 'a/2', 'a/10', 'c', 'ab/1', 'a-b'].map((name) => `${dir}/${name}`)
      for (const [i, key] of keys.entries()) await objects().put(key, [someBytes(i)])
      const listed = async (prefix: string) =>
        (await objects().list(`${dir}/${prefix}`, { limit: 100 })).map(({ key }) => key)
      expect(await listed('')).toEqual([...keys].sort())
      expect(await listed('a/')).toEqual([`${dir}/a/10`, `${dir}/a/2`])
      expect(await listed('a')).toEqual([`${dir}/a-b`, `${dir}/a/10`, `${dir}/a/2`, `${dir}/ab/1`])
      expect(await listed('nothing')).toEqual([])
      const [first] = await objects().list(`${dir}/ab/`, { limit: 1 })
      expect(first?.size).toBe(4)
      // An hour of leeway for the clocks of others.
      expect(Math.abs(Date.now() - (first?.modifiedMs ?? 0))).toBeLessThan(3_600_000)
    })
    it('is continued after the last key, however small the pieces', async () => {
      const dir = freshName()
      const keys = Array.from({ length: 25 }, (_, i) => `${dir}/${(i * 7) % 5}/${String(i).padStart(2, '0')}`).sort()
      await Promise.all(keys.map((key) => objects().put(key, [someBytes(1)])))
      for (const limit of [1, 3, 25]) {
        const found: string[] = []
        for (let after: string | undefined; ; after = found.at(-1)) {
          const piece = await objects().list(`${dir}/`, after === undefined ? { limit } : { after, limit })
          expect(piece.length).toBeLessThanOrEqual(limit)
          found.push(...piece.map(({ key }) => key))
          if (piece.length < limit) break
        }
        expect(found).toEqual(keys)
      }
      const after = `${dir}/2/999`
      expect((await objects().list(`${dir}/`, { after, limit: 1 }))[0]?.key).toBe(keys.find((key) => key > after))
    })
    it('is whole where it is longer than one page (1,100 objects)', async () => {
      const dir = freshName()
      const keys = Array.from({ length: 1_100 }, (_, i) => `${dir}/${String(i).padStart(5, '0')}`)
      for (let i = 0; i < keys.length; i += 50) {
        await Promise.all(keys.slice(i, i + 50).map((key) => objects().put(key, [someBytes(1)])))
      }
      expect((await objects().list(`${dir}/`, { limit: 2_000 })).map(({ key }) => key)).toEqual(keys)
      await objects().delete(keys)
      expect(await objects().list(`${dir}/`, { limit: 10 })).toEqual([])
    }, 180_000)
  })
}
