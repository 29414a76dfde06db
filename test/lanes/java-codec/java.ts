/**
 * Kafka's own client. Needs `javac` and `java` (17 or newer) and, the first time, `mvn`, which brings it into `.lanes/java-codec/`.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { everyMessage, type Golden } from '../../protocol/golden.ts'
import { tool } from '../process.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const home = fileURLToPath(new URL('../../../.lanes/java-codec/', import.meta.url))
const classes = join(home, 'classes')

/** The jars, in one folder. */
async function install(): Promise<string> {
  const lib = join(home, 'lib')
  if (existsSync(lib)) return lib
  await mkdir(home, { recursive: true })
  // Renamed when whole, so that an interrupted download is not taken for an installation.
  const partial = join(home, `lib-${process.pid}`)
  const pom = join(here, 'pom.xml')
  await tool('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`])
  await rename(partial, lib).catch(() => rm(partial, { recursive: true }))
  return lib
}

/** Compiles a program of this folder, runs it, and gives what it prints. */
async function run(program: string, args: readonly string[] = []): Promise<string> {
  const lib = await install()
  await tool('javac', ['-d', classes, '-cp', `${lib}/*`, join(here, `${program}.java`)])
  const java = ['-cp', `${classes}:${lib}/*`, program, ...args]
  const { stdout } = await promisify(execFile)('java', java, { maxBuffer: 64 << 20 })
  return stdout
}

/** A message in Kafka's words (the JSON files of its `clients/src/main/resources/common/message`). */
export type Definition = {
  readonly name: string
  readonly apiKey?: number
  readonly type: string
  readonly validVersions: string
  readonly flexibleVersions: string
  readonly latestVersionUnstable?: boolean
  readonly fields: readonly DefinedField[]
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly DefinedField[] }[]
}

export type DefinedField = {
  readonly name: string
  readonly type: string
  readonly versions: string
  readonly nullableVersions?: string
  readonly flexibleVersions?: string
  readonly default?: string | number | boolean
  readonly tag?: number
  readonly ignorable?: boolean
  readonly fields?: readonly DefinedField[]
}

export async function kafkasMessages(): Promise<{ definitions: Definition[]; golden: Golden[] }> {
  const lines = (await run('GoldenMessages', [...everyMessage.keys()])).trim().split('\n')
  const all: ({ definition: Definition } | Golden)[] = lines.map((line) => JSON.parse(line))
  return {
    definitions: all.flatMap((line) => ('definition' in line ? [line.definition] : [])),
    golden: all.flatMap((line) => ('definition' in line ? [] : [line])),
  }
}

export const kafkasAssignments = (): Promise<string> => run('AssignorVectors')
