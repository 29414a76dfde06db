/** What connections cost that are open and ask for nothing. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import type { Result } from './ratios.ts'
import type { Server } from './servers.ts'

const connections = 1_000
const bytesMax = 150 * 1024 * 1024
const coreMax = 0.02
/** Linux's, for `/proc/PID/stat` (USER_HZ). */
const ticksASecond = 100

/** Opens connections, lets each ask for the API versions once as clients do, and looks at the process for a while. */
export async function idleConnections(server: Server, watchedMs: number): Promise<readonly Result[]> {
  const [host = '', port = ''] = server.broker.split(':')
  const before = await residentBytes(server.pid)
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = createConnection(Number(port), host)
      await once(socket, 'connect')
      socket.write(apiVersionsRequest())
      await once(socket, 'data')
      return socket
    }),
  )
  const begun = await cpuSeconds(server.pid)
  await new Promise((resolve) => setTimeout(resolve, watchedMs))
  const core = ((await cpuSeconds(server.pid)) - begun) / (watchedMs / 1_000)
  const bytes = await residentBytes(server.pid)
  for (const socket of sockets) socket.destroy()
  const mebibytes = (value: number) => `${(value / 2 ** 20).toFixed(0)} MiB`
  return [
    {
      name: `${connections} idle connections`,
      figures: `${mebibytes(bytes)} resident, ${mebibytes(before)} without them`,
      target: `at most ${mebibytes(bytesMax)}`,
      holds: bytes <= bytesMax,
    },
    {
      name: '',
      figures: `${(core * 100).toFixed(1)} % of a core`,
      target: `at most ${coreMax * 100} %`,
      holds: core <= coreMax,
    },
  ]
}

/** ApiVersions v0. */
function apiVersionsRequest(): Buffer {
  const frame = Buffer.alloc(14)
  frame.writeInt32BE(10, 0)
  frame.writeInt16BE(18, 4)
  frame.writeInt16BE(-1, 12)
  return frame
}

async function residentBytes(pid: number): Promise<number> {
  const [, kibibytes = 'NaN'] = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) * 1024
}

async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // Behind the name, which may hold blanks: utime and stime are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksASecond
}
