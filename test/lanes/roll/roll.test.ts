/** Needs a Linux /proc and some 2.5 GB of disk. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { makeFolder } from './gigabyte.ts'

const megabytes = Number(process.env.MILLRACE_ROLL_MB ?? 1_000)

test('a gigabyte in requests of 10 KB is rolled in the memory of a small Lambda, at 50 MB/s or more', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-roll-'))
  try {
    await makeFolder(folder, megabytes)
    const child = join(import.meta.dirname, 'child.ts')
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', child, folder])
    const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    const rate = report.rolledBytes / 1e6 / report.seconds
    // What the machine has beside it to do says nothing of the roll: it has to be as fast by the processor's time, at most two at once.
    const rateAlone = report.rolledBytes / 1e6 / report.cpuSeconds
    const readRate = report.bytesReadACpuSecond / 1e6
    console.log(
      `${Math.round(rate)} MB/s, ${Math.round(rateAlone)} MB a second of the processor’s, which reads ${Math.round(readRate)}, ${Math.round(report.peakMb)} MB at most, ${report.segments} segments`,
    )
    expect(report).toMatchObject({ failedPartitions: 0 })
    expect(report.rolledBytes).toBeGreaterThan(megabytes * 1e6 - 20e6)
    expect(report.peakMb).toBeLessThan(512)
    // Where the same files are read at 72 MB a second of the processor's or more; a slower machine rolls slower by as much.
    expect(Math.max(rate, rateAlone)).toBeGreaterThanOrEqual(Math.min(50, 0.7 * readRate))
  } finally {
    await rm(folder, { recursive: true })
  }
})
