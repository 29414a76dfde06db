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
    metafile: true,
    logLevel: 'warning',
  })
  const files = result.outputFiles.map(({ path, contents }) => ({
    name: path.slice(nominalOutput.length + 1),
    bytes: contents,
  }))
  return { files, metafile: result.metafile }
}

/** The scripts that importing the function's entry loads: its file and every chunk it reaches by static imports. */
const eagerScripts = ({ metafile: { outputs } }: Bundle): ReadonlySet<string> => {
  const eager = new Set<string>()
  const visit = (name: string): void => {
    if (eager.has(name)) return
    eager.add(name)
    for (const { path, kind, external } of outputs[name]?.imports ?? [])
      if (kind === 'import-statement' && external !== true) visit(path)
  }
  // A lazily imported module is an entry point too: the function's own is the one in the asset's root.
  for (const name of Object.keys(outputs)) if (name.endsWith('/lambda/index.mjs')) visit(name)
  return eager
}

export type BundleSummary = {
  /** Bytes that a cold start reads. */
  readonly eagerBytes: number
  /** Bytes of all scripts, without source maps. */
  readonly totalBytes: number
  /** Modules inside the eager scripts, as paths. */
  readonly eagerModules: readonly string[]
}

export const summaryOf = (made: Bundle): BundleSummary => {
  const { outputs } = made.metafile
  const bytesOf = (names: Iterable<string>): number =>
    [...names].reduce((total, name) => total + (outputs[name]?.bytes ?? 0), 0)
  const eager = eagerScripts(made)
  return {
    eagerBytes: bytesOf(eager),
    totalBytes: bytesOf(Object.keys(outputs).filter((name) => name.endsWith('.mjs'))),
    eagerModules: [...eager].flatMap((name) => Object.keys(outputs[name]?.inputs ?? {})),
  }
}

/** Writes the asset's folder. */
export const writeBundle = (folder: string, { files }: Bundle): void => {
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
          writeBundle(folder, bundle(join('functions', `${name}.ts`)))
          return true
        },
      },
    },
  })
