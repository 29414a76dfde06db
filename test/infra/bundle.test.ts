import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { functionNames, scheduledNames } from '../../functions/routes.ts'
import { type Bundle, bundle, summaryOf, writeBundle } from '../../infra/bundle.ts'

const run = promisify(execFile)
const names = [...functionNames, ...scheduledNames]
const bundles = new Map(names.map((name) => [name, bundle(`functions/${name}.ts`)]))
const made = (name: (typeof names)[number]): Bundle => bundles.get(name) ?? bundle(`functions/${name}.ts`)

const hashOf = ({ files }: Bundle): string =>
  files.reduce((hash, { name, bytes }) => hash.update(name).update(bytes), createHash('sha256')).digest('hex')

describe.each(names)('the bundle of %s', (name) => {
  it('reads less than 800 KB at a cold start, without the S3 client', () => {
    const { eagerBytes, totalBytes, eagerModules } = summaryOf(made(name))
    console.log(`${name}: ${eagerBytes} bytes eager of ${totalBytes}`)
    expect(eagerBytes).toBeGreaterThan(10_000)
    expect(eagerBytes).toBeLessThan(800_000)
    expect(eagerModules.filter((path) => path.includes('@aws-sdk/client-s3/'))).toEqual([])
  })

  it('holds no native module and no source text', () => {
    const inputs = Object.keys(made(name).metafile.inputs)
    expect(inputs.filter((path) => /\.node$|classic-level/.test(path))).toEqual([])
    for (const { name: file, bytes } of made(name).files)
      if (file.endsWith('.map')) expect(Buffer.from(bytes).toString()).not.toContain('"sourcesContent"')
  })

  it('is a module that Node loads, wherever it lies', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-bundle-'))
    try {
      writeBundle(folder, made(name))
      const entry = pathToFileURL(join(folder, 'index.mjs')).href
      const script = `const { handler } = await import(${JSON.stringify(entry)}); console.log(typeof handler)`
      const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env: {} })
      expect(stdout.trim()).toBe('function')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

it('bundling the same source twice gives the same bytes, so that nothing is deployed anew', () => {
  expect(hashOf(bundle('functions/produce.ts'))).toBe(hashOf(made('produce')))
})
