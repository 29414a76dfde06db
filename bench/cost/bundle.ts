/**
 * Bundles a module with some of the log's constants changed, or none: so that thresholds can be tried on the very code that runs,
 * without making them parameters of it.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

/** New values by `<file>:<constant>`, for example `src/log/blob.ts:inlineBytesMax`. */
export type Constants = Readonly<Record<string, number>>

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = `${root}.lanes/bench`

/** Bundles `module` (a path from the root) and returns the bundle's path. */
export async function bundled(module: string, name: string, constants: Constants = {}): Promise<string> {
  const outfile = `${folder}/${name}.mjs`
  await build({
    entryPoints: [`${root}${module}`],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile,
    logLevel: 'error',
    plugins: [changing(constants)],
  })
  return outfile
}

const changing = (constants: Constants): Plugin => ({
  name: 'constants',
  setup({ onLoad, onEnd }) {
    const open = new Set(Object.keys(constants))
    onLoad({ filter: /\/src\/log\/.*\.ts$/ }, async ({ path }) => {
      let contents = await readFile(path, 'utf8')
      for (const [name, value] of Object.entries(constants)) {
        const [file, constant] = name.split(':')
        if (path !== `${root}${file}`) continue
        const declared = new RegExp(`^((?:export )?const ${constant} = )[\\d_]+$`, 'm')
        if (declared.test(contents)) open.delete(name)
        contents = contents.replace(declared, `$1${value}`)
      }
      return { contents, loader: 'ts' }
    })
    onEnd(() => {
      // A sweep over a constant that is no longer there would show that nothing changes anything.
      if (open.size > 0) throw new Error(`no such constant: ${[...open].join(', ')}`)
    })
  },
})
