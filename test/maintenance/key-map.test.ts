import { expect, test } from 'vitest'
import { keyMap } from '../../src/maintenance/key-map.ts'
import { sipHash } from '../../src/maintenance/siphash.ts'
import { systemRandom } from '../../src/runtime/system.ts'

test('digests are those of the SipHash authors', () => {
  const key = new Uint32Array(Uint8Array.from({ length: 16 }, (_, at) => at).buffer)
  const into = new Uint32Array(4)
  const digest = (length: number) => {
    const bytes = Uint8Array.from({ length: length + 3 }, (_, at) => (at < 2 ? 99 : at - 2))
    sipHash(key, bytes, 2, 2 + length, into)
    return Buffer.from(into.buffer).toString('hex')
  }
  // vectors.h of https://github.com/veorq/SipHash, 128 bits.
  expect(digest(0)).toBe('a3817f04ba25a8e66df67214c7550293')
  expect(digest(1)).toBe('da87c1d86b99af44347659119b22fc45')
  expect(digest(15)).toBe('5493e99933b0a8117e08ec0f97cfc3d9')
})

test('a map knows the newest offset of each key, and says when there is no room for another', () => {
  const map = keyMap(systemRandom, 1_000_000_000_000, 1e9, 1024)
  const put = (name: string, offset: number) => {
    const bytes = Buffer.from(name)
    return map.put(bytes, 0, bytes.length, 1_000_000_000_000 + offset)
  }
  const newest = (name: string) => map.newest(Buffer.from(name), 0, name.length) - 1_000_000_000_000
  for (let at = 0; at < 768; at++) expect(put(`key ${at}`, at)).toBe(true)
  expect(put('one more', 900)).toBe(false)
  expect(map.size).toBe(768)
  expect(put('key 5', 1_000)).toBe(true)
  expect(map.newest(Buffer.from('one more'), 0, 8)).toBe(-1)
  expect(newest('key 5')).toBe(1_000)
  expect(newest('key 767')).toBe(767)
  expect(put('key 6', 2 ** 32)).toBe(false)
  expect(newest('key 6')).toBe(6)
})
