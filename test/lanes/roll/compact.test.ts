/** Needs a Linux /proc and some 1 GB of disk. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const records = Number(process.env.MILLRACE_COMPACT_RECORDS ?? 10_000_000)
/** More than one map holds. */
const keys = records * 0.4

test('ten million small records are compacted in the memory of a small Lambda', { timeout: 900_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-compact-'))
  try {
    const child = join(import.meta.dirname, 'compact-child.ts')
    const args = ['--import', 'tsx', child, folder, String(records), String(keys)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    console.log(
      `${Math.round(records / report.seconds)} records a second, ${Math.round(report.peakMb)} MB at most, ${Math.round(report.compactedBytes / 1e6)} of ${Math.round(report.rolledBytes / 1e6)} MB gone`,
    )
    expect(report).toMatchObject({ failedPartitions: 0 })
    // Six records of ten are not the newest of their keys.
    expect(report.compactedBytes).toBeGreaterThan(report.rolledBytes * 0.5)
    expect(report.peakMb).toBeLessThan(512)
  } finally {
    await rm(folder, { recursive: true })
  }
})
