/** Rolls what there is in a folder, and says on its last line what it did, how long it took and how much memory it had at most. */
import { readFile } from 'node:fs/promises'
import { maintainPartitions } from '../../../src/maintenance/partitions-task.ts'
import { openDisk } from '../../../src/store/embedded/disk.ts'
import { coreOver } from '../../log/core.ts'

const [, , folder = ''] = process.argv
const stores = await openDisk(folder)
const startedMs = performance.now()
const before = process.cpuUsage()
const report = await maintainPartitions(coreOver(stores), () => false)
const seconds = (performance.now() - startedMs) / 1_000
const { user, system } = process.cpuUsage(before)
const cpuSeconds = (user + system) / 1e6
await stores.close()
const [, peakKb] = /VmHWM:\s+(\d+) kB/.exec(await readFile('/proc/self/status', 'utf8')) ?? []
console.log(
  JSON.stringify({
    ...report,
    error: report.error && String(report.error),
    seconds,
    cpuSeconds,
    peakMb: Number(peakKb) / 1_024,
  }),
)
