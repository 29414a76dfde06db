import { describe, expect, it } from 'vitest'
import { importsOf, read, sources } from './tree.ts'

/**
 * The architecture, as which folder may name which. A folder not on the left is bound by nothing here (tests, benches, demos).
 * The longest name on the left that fits a file counts.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'src/protocol/': ['src/protocol/'],
  'src/runtime/': ['src/runtime/', 'src/store/'],
  // It remembers topics, and so names their type.
  'src/runtime/memory.ts': ['src/runtime/', 'src/log/topics.ts'],
  'src/store/': ['src/store/', 'src/runtime/'],
  'src/log/': ['src/log/', 'src/protocol/', 'src/runtime/', 'src/store/'],
  'src/groups/': ['src/groups/', 'src/log/', 'src/protocol/', 'src/runtime/', 'src/store/'],
  'src/cluster/': ['src/cluster/', 'src/log/', 'src/runtime/', 'src/store/'],
  'src/broker/': [
    'src/broker/',
    'src/cluster/',
    'src/groups/',
    'src/log/',
    'src/protocol/',
    'src/runtime/',
    'src/store/',
  ],
  'src/observability/': ['src/observability/', 'src/runtime/', 'src/store/'],
  'src/http/': [
    'src/http/',
    'src/groups/',
    'src/log/',
    'src/observability/',
    'src/protocol/',
    'src/runtime/',
    'src/store/',
  ],
  // The door for Kafka's frames in HTTP's clothes.
  'src/http/kafka/': ['src/http/', 'src/broker/', 'src/observability/', 'src/protocol/', 'src/runtime/'],
  'src/maintenance/': [
    'src/maintenance/',
    'src/cluster/',
    'src/http/consumers/',
    'src/groups/',
    'src/log/',
    'src/observability/',
    'src/protocol/',
    'src/runtime/',
    'src/store/',
  ],
  'src/verify/': [
    'src/verify/',
    'src/cluster/',
    'src/log/',
    'src/maintenance/compaction-state.ts',
    'src/protocol/',
    'src/runtime/',
    'src/store/',
  ],
  'src/server/': [
    'src/server/',
    'src/broker/',
    'src/http/',
    'src/maintenance/',
    'src/observability/',
    'src/runtime/',
    'src/store/',
    'functions/',
  ],
  'src/connect/': [
    'src/connect/',
    'src/http/kafka/wire.ts',
    'src/http/limits.ts',
    'src/broker/',
    'src/protocol/',
    'src/runtime/',
  ],
  'src/cli/': [
    'src/cli/',
    'src/connect/',
    'src/server/',
    'src/broker/',
    'src/cluster/',
    'src/http/',
    'src/maintenance/',
    'src/groups/',
    'src/log/',
    'src/observability/',
    'src/protocol/',
    'src/runtime/',
    'src/store/',
    'src/verify/',
    'package.json',
  ],
  'functions/': [
    'functions/',
    'src/connect/signing.ts',
    'src/http/',
    'src/maintenance/',
    'src/observability/',
    'src/runtime/',
    'src/store/',
  ],
  'infra/': ['infra/', 'functions/access.ts', 'functions/routes.ts'],
}

/** The adapters: their folders may be named only from here. */
const adapterUsers: Readonly<Record<string, readonly string[]>> = {
  'src/store/aws/': ['src/store/aws/', 'src/cli/stores.ts', 'functions/core.ts'],
  'src/store/embedded/': ['src/store/', 'src/cli/stores.ts', 'src/cli/maintain.ts'],
}

/** What the core may use of Node: nothing with time, chance, files or the network in it. */
const core = ['src/broker/', 'src/cluster/', 'src/log/', 'src/groups/', 'src/protocol/', 'src/runtime/']
const coreNodeModules: Readonly<Record<string, readonly string[]>> = {
  'node:zlib': [],
  'node:buffer': [],
  'node:util': [],
  'node:assert': [],
  // Hashes, but not its dice: only these names.
  'node:crypto': ['createHash', 'timingSafeEqual'],
}

const isOurs = (name: string) =>
  /^(src|functions|infra|test|bench|demo|sim|console)\//.test(name) || name === 'package.json'
const startsWithAny = (name: string, prefixes: readonly string[]) => prefixes.some((prefix) => name.startsWith(prefix))

function boundsOf(file: string): readonly string[] | undefined {
  const folder = Object.keys(mayImport)
    .filter((prefix) => file.startsWith(prefix))
    .sort((a, b) => b.length - a.length)[0]
  return folder === undefined ? undefined : mayImport[folder]
}

/** `file -> import` for every import that breaks a rule. */
const offenders = (breaks: (file: string, name: string) => boolean) =>
  sources.flatMap((file) =>
    importsOf(file)
      .filter((name) => breaks(file, name))
      .map((name) => `${file} -> ${name}`),
  )

describe('imports', () => {
  it('are found at all', () => {
    expect(importsOf('src/runtime/core.ts')).toContain('src/store/items.ts')
    expect(importsOf('src/runtime/system.ts')).toContain('node:crypto')
  })

  it('point one way, from the doors down to the ports', () => {
    const wrong = offenders((file, name) => {
      const bounds = boundsOf(file)
      return bounds !== undefined && isOurs(name) && !startsWithAny(name, bounds)
    })
    expect(wrong).toEqual([])
  })

  it('reach an adapter only where stores are opened', () => {
    const wrong = offenders(
      (file, name) =>
        /^(src|functions|infra)\//.test(file) &&
        Object.entries(adapterUsers).some(([folder, users]) => name.startsWith(folder) && !startsWithAny(file, users)),
    )
    expect(wrong).toEqual([])
  })

  it('name the AWS SDK only in its adapter', () => {
    const wrong = offenders(
      (file, name) =>
        /^(src|functions|infra)\//.test(file) &&
        /^@(aws-sdk|smithy)\//.test(name) &&
        !file.startsWith('src/store/aws/') &&
        // Signs the calls of `millrace connect`, which runs where its user does.
        file !== 'src/connect/signing.ts',
    )
    expect(wrong).toEqual([])
  })

  it('keep files, sockets, clocks and chance out of the core', () => {
    const wrong = sources
      .filter((file) => startsWithAny(file, core) && file !== 'src/runtime/system.ts')
      .flatMap((file) =>
        importsOf(file)
          .filter((name) => name.startsWith('node:') && !isHarmless(file, name))
          .map((name) => `${file} -> ${name}`),
      )
    expect(wrong).toEqual([])
  })

  it('leave the clock, the dice and the environment to whoever starts the core', () => {
    // Biome's rules say the same (biome.json, lint/), in an editor and at the right character; this holds them to it.
    const forbidden =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bset(Timeout|Interval|Immediate)\b|\bprocess\.|\bperformance\./
    const wrong = sources
      .filter((file) => startsWithAny(file, core) && file !== 'src/runtime/system.ts')
      .filter((file) => forbidden.test(withoutComments(file)))
    expect(wrong).toEqual([])
  })
})

/** Whether a file takes from a module of Node only what the core may have. */
function isHarmless(file: string, module: string): boolean {
  const names = coreNodeModules[module]
  if (!names) return false
  if (names.length === 0) return true
  const imported = new RegExp(`import (?:type )?\\{([^}]*)\\} from '${module}'`, 'g')
  const taken = [...read(file).matchAll(imported)].flatMap(([, list = '']) => list.split(','))
  return taken.length > 0 && taken.every((name) => names.includes(name.trim()))
}

const withoutComments = (file: string) => read(file).replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, '')
