/**
 * Bundles one function as ES modules with code splitting: what a function imports lazily (the S3 client, codecs) stays in chunks
 * that a cold start does not read. CDK's NodejsFunction can not split, so we call esbuild ourselves, through the same hook.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AssetHashType } from 'aws-cdk-lib'
import { Code, Runtime } from 'aws-cdk-lib/aws-lambda'
import { buildSync, type Metafile } from 'esbuild'

/** The package's own folder: the nearest one above this file that holds `functions/`. */
const packageRoot = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** Where esbuild believes it writes: fixed, so that names inside source maps, and with them the asset's hash, never vary. */
const nominalOutput = join(packageRoot, 'dist', 'lambda')

export type Bundle = {
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[]
  readonly metafile: Metafile
}

/** Bundles `entry` (a path from the package's folder) in memory. Files are named from the asset's folder: `index.mjs`, `chunks/…`. */
export const bundle = (entry: string): Bundle => {
  const result = buildSync({
    absWorkingDir: packageRoot,
    entryPoints: { index: entry },
    outdir: nominalOutput,
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    // ES module builds of the dependencies: they shake out, CommonJS ones do not.
    mainFields: ['module', 'main'],
    minify: true,
    // esbuild's own names for functions cost bytes; stack traces get theirs from the source maps.
    keepNames: false,
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    // What is CommonJS inside still calls `require` for Node's own modules.
    banner: { js: "import{createRequire as mr}from'node:module';const require=mr(import.meta.url);" },
    metafile: true,
    logLevel: 'warning',
  })
  const files = result.outputFiles.map(({ path, contents }) => ({
    name: path.slice(nominalOutput.length + 1),
    bytes: contents,
  }))
  return { files, metafile: result.metafile }
}

/** Bytes that importing the function's entry loads: its file and every chunk it reaches by static imports; and all there is. */
export const bundleSizes = ({ metafile }: Bundle): { readonly eagerBytes: number; readonly totalBytes: number } => {
  const scripts = Object.entries(metafile.outputs).filter(([name]) => name.endsWith('.mjs'))
  const outputs = new Map(scripts)
  const eager = new Set<string>()
  const visit = (name: string): void => {
    if (eager.has(name)) return
    eager.add(name)
    for (const { path, kind, external } of outputs.get(name)?.imports ?? [])
      if (kind === 'import-statement' && external !== true) visit(path)
  }
  for (const [name, output] of scripts) if (output.entryPoint !== undefined && name.endsWith('/index.mjs')) visit(name)
  const sum = (names: Iterable<string>): number =>
    [...names].reduce((total, name) => total + (outputs.get(name)?.bytes ?? 0), 0)
  return { eagerBytes: sum(eager), totalBytes: sum(outputs.keys()) }
}

const write = (folder: string, { files }: Bundle): void => {
  for (const { name, bytes } of files) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
  }
}

/**
 * The Lambda code of `functions/<name>.ts`. Bundled while synthesizing, with no Docker; the asset is named by the hash of what came
 * out. Skipped where CDK says no bundle is needed (`cdk destroy`, `cdk list`, tests with `aws:cdk:bundling-stacks: []`).
 */
export const functionCode = (name: string): Code =>
  Code.fromAsset(join(packageRoot, 'functions'), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: Runtime.NODEJS_24_X.bundlingImage,
      // Never run: it is part of the key under which CDK remembers the asset, and so tells the functions apart.
      command: [name],
      local: {
        tryBundle: (folder) => {
          write(folder, bundle(join('functions', `${name}.ts`)))
          return true
        },
      },
    },
  })
