import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { bugs } from '../../sim/bugs.ts'
import { patched } from '../../sim/bundle.ts'

test.each(bugs)('the planted bug "$name" still fits the source', async ({ patches }) => {
  expect(patches.length).toBeGreaterThan(0)
  for (const patch of patches) {
    const text = await readFile(new URL(`../../${patch.file}`, import.meta.url), 'utf8')
    expect(patched(text, patch)).not.toBe(text)
  }
})

test('a patch that fits twice, or not at all, is refused', () => {
  const patch = (find: string) => ({ file: 'a.ts', changes: [{ find, replace: '' }] })
  expect(() => patched('one two two', patch('two'))).toThrow('2 times')
  expect(() => patched('one two two', patch('three'))).toThrow('0 times')
  expect(patched('one two two', patch('one '))).toBe('two two')
})
