/** Bundles the worker, with a bug planted in it or as it is. Nothing in `src/` knows of bugs: a patch is applied on the way. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

/** A small wrong version of one file: each `find` stands in it exactly once. */
export type Patch = {
  readonly file: string
  readonly changes: readonly { readonly find: string; readonly replace: string }[]
}

const root = fileURLToPath(new URL('../', import.meta.url))
/** Where bundles and histories go; Git ignores it. */
export const folder = `${root}.lanes/sim`

/** Bundles the worker and returns its path. @throws Error where a patch does not fit its file (any more). */
export async function bundledWorker(name: string, patches: readonly Patch[] = []): Promise<string> {
  const outfile = `${folder}/${name}.mjs`
  const applied = new Set<Patch>()
  await build({
    entryPoints: [`${root}sim/worker.ts`],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    sourcemap: 'inline',
    outfile,
    logLevel: 'error',
    plugins: patches.length > 0 ? [planting(patches, applied)] : [],
  })
  const unused = patches.filter((patch) => !applied.has(patch))
  if (unused.length > 0) throw new Error(`${name}: no such file in the bundle: ${unused.map(({ file }) => file)}`)
  return outfile
}

const planting = (patches: readonly Patch[], applied: Set<Patch>): Plugin => ({
  name: 'planted bug',
  setup({ onLoad }) {
    onLoad({ filter: /\/(src|sim)\/.*\.ts$/ }, async ({ path }) => {
      const here = patches.filter(({ file }) => path === `${root}${file}`)
      if (here.length === 0) return undefined
      for (const patch of here) applied.add(patch)
      return { contents: here.reduce(patched, await readFile(path, 'utf8')), loader: 'ts' }
    })
  },
})

/** The file with the patch in it. @throws Error where it does not fit (any more). */
export function patched(text: string, { file, changes }: Patch): string {
  return changes.reduce((changed, { find, replace }) => {
    const times = changed.split(find).length - 1
    if (times !== 1) throw new Error(`a planted bug fits ${file} ${times} times, not once: ${find}`)
    return changed.replace(find, () => replace)
  }, text)
}
