import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'

const root = resolve(import.meta.dirname, '../..')

/** What is made, not written: the folders of .gitignore. */
const made = readFileSync(join(root, '.gitignore'), 'utf8')
  .split('\n')
  .filter((line) => line.endsWith('/'))
  .map((line) => line.slice(0, -1))

function below(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === '.git' || made.includes(entry.name)) return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? below(path) : [path]
  })
}

/** Every file of the repository, as a path from its root. Not asked of Git: tests need nothing but Node. */
export const files: readonly string[] = below('')

export const sources = files.filter((file) => file.endsWith('.ts'))

export const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** What a source file imports, types included: our own files by their path from the root, packages by their names. */
export function importsOf(file: string): string[] {
  return ts
    .preProcessFile(read(file), true, true)
    .importedFiles.map(({ fileName }) =>
      fileName.startsWith('.') ? relative(root, resolve(root, dirname(file), fileName)) : fileName,
    )
}
