/** One line of progress: rewritten on a terminal, every ten seconds elsewhere. */

const everyMs = 10_000

export type Progress = { show(line: () => string): void; done(): void }

export function progress(): Progress {
  const { isTTY } = process.stdout
  let shownMs = Date.now()
  return {
    show(line) {
      if (Date.now() - shownMs < (isTTY ? 100 : everyMs)) return
      shownMs = Date.now()
      process.stdout.write(isTTY ? `\r\x1b[K${line()}` : `${line()}\n`)
    },
    done() {
      if (isTTY) process.stdout.write('\r\x1b[K')
    },
  }
}
