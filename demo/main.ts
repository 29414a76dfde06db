/** `npm run demo`: 20,000 real records in and out of a Millrace, with a producer and a reader killed on the way. */
import { Command } from 'commander'
import { killChildren } from './child.ts'
import { type DemoOptions, runDemo } from './run.ts'
import { startServer } from './server.ts'

const command = new Command('demo')
  .description('sends 20,000 flights through Millrace, kills a producer and a reader, and counts what came out')
  .option('--url <url>', 'a server or a deployed API; by default one is started on this machine, and stopped')
  .option('--sign', 'sign calls with the AWS credentials found (by default at API Gateways only)')
  .option('--no-sign', 'sign nothing')
  .option('--keep', 'leave the topic')
  .parse()

const { url, ...options } = command.opts<Partial<DemoOptions>>()
const own = url === undefined ? await startServer() : undefined
let isInterrupted = false
const interrupted = async () => {
  isInterrupted = true
  killChildren()
  await own?.stop()
  process.exit(130)
}
process.once('SIGINT', interrupted)
process.once('SIGTERM', interrupted)
try {
  const failed = await runDemo({ url: own?.url ?? url ?? '', ...options, print: (line) => console.log(line) })
  if (failed > 0) process.exitCode = 1
} catch (error) {
  if (!isInterrupted) console.error(`demo: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  await own?.stop()
}
