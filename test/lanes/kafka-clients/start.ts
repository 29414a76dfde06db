/** One `millrace start` over files for the whole lane. Its clients are installed by the tests that run them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { killAll, startMillrace } from '../../server/millrace-process.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` that Kafka clients are given. */
    kafka: string
    /** Its HTTP API. */
    millraceUrl: string
  }
}

/** Vitest's global set-up of the lane. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-kafka-clients-'))
  const millrace = await startMillrace(['--data', folder, '--no-auto-create-topics'])
  project.provide('kafka', millrace.kafka)
  project.provide('millraceUrl', millrace.url)
  return async () => {
    await killAll()
    await rm(folder, { recursive: true })
    const said = millrace.err()
    // A handler that failed in a way that it has no answer for.
    if (said !== '') throw new Error(`millrace wrote to standard error:\n${said}`)
  }
}
