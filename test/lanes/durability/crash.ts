/** The power cut: what `forgetful.c` kept becomes a folder again. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const here = import.meta.dirname

/** Compiles the library where that is needed, and returns its path. */
export function forgetfulLibrary(): string {
  const library = join(here, '../../../.lanes/durability/forgetful.so')
  mkdirSync(dirname(library), { recursive: true })
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-o', library, join(here, 'forgetful.c'), '-lpthread'])
  return library
}

/** The same name that `forgetful.c` gives. */
function idOf(path: string): string {
  const { ino, birthtimeNs } = statSync(path, { bigint: true })
  return `${ino}-${birthtimeNs}`
}

/** Declares all that is in `root` durable. */
export function remember(root: string, shadow: string): void {
  mkdirSync(join(shadow, 'files'), { recursive: true })
  mkdirSync(join(shadow, 'folders'), { recursive: true })
  const lines = readdirSync(root, { withFileTypes: true }).map((entry) => {
    const path = join(root, entry.name)
    if (entry.isDirectory()) remember(path, shadow)
    else copyFileSync(path, join(shadow, 'files', idOf(path)))
    return `${entry.isDirectory() ? 'd' : 'f'} ${idOf(path)} ${entry.name}\n`
  })
  writeFileSync(join(shadow, 'folders', idOf(root)), lines.join(''))
}

function rebuild(id: string, shadow: string, target: string): void {
  mkdirSync(target, { recursive: true })
  const names = join(shadow, 'folders', id)
  // A folder that was named but never synced itself is empty; so is a file.
  if (!existsSync(names)) return
  for (const line of readFileSync(names, 'utf8').split('\n').slice(0, -1)) {
    const [type, entryId = '', ...rest] = line.split(' ')
    const path = join(target, rest.join(' '))
    const bytes = join(shadow, 'files', entryId)
    if (type === 'd') rebuild(entryId, shadow, path)
    else if (existsSync(bytes)) copyFileSync(bytes, path)
    else writeFileSync(path, '')
  }
}

/** Builds in `target` what a crash would have left of `root`. */
export const afterCrash = (root: string, shadow: string, target: string): void => rebuild(idOf(root), shadow, target)
