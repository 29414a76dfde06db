/**
 * Rolls what there is in a folder, and says on its last line what it did, how long it took and how much memory it had at most; and how
 * many bytes a second of the processor's this machine reads of the folder's blobs, one file after the other.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { maintainPartitions } from '../../../src/maintenance/partitions-task.ts'
import { openDisk } from '../../../src/store/embedded/disk.ts'
import { coreOver } from '../../log/core.ts'

const [, , folder = ''] = process.argv
const filesRead = 10_000

const cpuSecondsSince = (before: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** What any way to roll them has to do first. */
async function readingRate(): Promise<number> {
  const objects = join(folder, 'objects')
  const names = await readdir(objects, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).slice(0, filesRead)
  const before = process.cpuUsage()
  let bytes = 0
  for (const { parentPath, name } of files) bytes += (await readFile(join(parentPath, name))).length
  return bytes / cpuSecondsSince(before)
}

const bytesReadACpuSecond = await readingRate()
const stores = await openDisk(folder)
const startedMs = performance.now()
const before = process.cpuUsage()
const report = await maintainPartitions(coreOver(stores), () => false)
const seconds = (performance.now() - startedMs) / 1_000
const cpuSeconds = cpuSecondsSince(before)
await stores.close()
const [, peakKb] = /VmHWM:\s+(\d+) kB/.exec(await readFile('/proc/self/status', 'utf8')) ?? []
console.log(
  JSON.stringify({
    ...report,
    error: report.error && String(report.error),
    seconds,
    cpuSeconds,
    bytesReadACpuSecond,
    peakMb: Number(peakKb) / 1_024,
  }),
)
