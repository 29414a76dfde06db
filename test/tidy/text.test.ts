import { describe, expect, it } from 'vitest'
import { files, read, sources } from './tree.ts'

/** `file:line text` for each line of the files that matches. */
const lines = (among: readonly string[], pattern: RegExp) =>
  among.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1} ${line.trim().slice(0, 120)}`] : [])),
  )

const text = files.filter(
  (file) => !/\.(bin|png|jar|gz|ico|woff2)$|^LICENSE$|^package-lock\.json$|^test\/fixtures\//.test(file),
)
/** This file has to name what it forbids. */
const others = text.filter((file) => file !== 'test/tidy/text.test.ts')

describe('the tree', () => {
  it('has no file over 400 lines', () => {
    const long = sources
      .map((file) => [file, read(file).split('\n').length - 1] as const)
      .filter(([, count]) => count > 400)
    expect(long).toEqual([])
  })

  it('has mostly short files: half of them under 150 lines', () => {
    const counts = sources.filter((file) => file.startsWith('src/')).map((file) => read(file).split('\n').length - 1)
    expect(counts.sort((a, b) => a - b)[Math.floor(counts.length / 2)]).toBeLessThan(150)
  })

  it('has nothing put off and no test left out', () => {
    expect(lines(others, /\b(TODO|FIXME|XXX)\b/)).toEqual([])
    expect(
      lines(others, /\b(it|test|describe)\.(skip|only|todo)\b|\b(xit|xdescribe|fit|fdescribe)\(|\bskipIf\(/),
    ).toEqual([])
  })

  it('names no path of one machine', () => {
    // A folder of a user or of a build machine; /tmp and such are named in scripts, and on every machine.
    expect(lines(others, /(^|[\s"'`(=:])\/(work|home|root|Users|workspace|builds)\/[\w.]/)).toEqual([])
  })

  it('never talks the compiler out of an error', () => {
    expect(lines(others, /@ts-(ignore|nocheck|expect-error)|biome-ignore-all/)).toEqual([])
  })
})

describe('the lock file', () => {
  it('names no registry', () => {
    expect(lines(['package-lock.json'], /"resolved"/)).toEqual([])
  })

  it('has every package with its checksum', () => {
    const { packages } = JSON.parse(read('package-lock.json'))
    const bare = Object.entries<{ integrity?: string; inBundle?: boolean }>(packages).filter(
      ([name, entry]) => name !== '' && !entry.integrity && !entry.inBundle,
    )
    expect(bare.map(([name]) => name)).toEqual([])
  })
})
