/**
 * One deployment on MiniStack for the whole lane, and no broker anywhere: Kafka clients reach it through `millrace connect`. Between
 * the two may stand a proxy that counts what the far end said.
 */
import { createServer, request as send } from 'node:http'
import type { TestProject } from 'vitest/node'
import { type Deployment, deploy, destroy } from '../localstack/stack.ts'
import { startMinistack } from '../ministack/start.ts'

declare module 'vitest' {
  interface ProvidedContext {
    ministack: string
    deployment: Pick<Deployment, 'url' | 'table' | 'bucket'>
    /** The deployment's URL through the proxy. */
    throughProxy: string
    /** Where the proxy tells how many answers said that a group was not ready yet. */
    pendingUrl: string
  }
}

/** Vitest's global set-up of the lane. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const ministack = await startMinistack()
  const stack = `Connect-${process.pid}`
  const deployment = await deploy(ministack.url, stack)
  console.log(`cdk deploy: ${deployment.deploySeconds.toFixed(1)} s`)
  const proxy = await startProxy(ministack.url)
  const { url, table, bucket } = deployment
  project.provide('ministack', ministack.url)
  project.provide('deployment', { url, table, bucket })
  project.provide('throughProxy', url.replace(ministack.url, proxy.url))
  project.provide('pendingUrl', `${proxy.url}/pending`)
  return async () => {
    await proxy.close()
    // A MiniStack of ours is thrown away whole.
    if (process.env.AWS_ENDPOINT_URL) await destroy(ministack.url, stack, deployment)
    await ministack.stop()
  }
}

async function startProxy(target: string) {
  let pending = 0
  const server = createServer((incoming, outgoing) => {
    if (incoming.url === '/pending') return void outgoing.end(`${pending}`)
    const { method = 'GET', url = '/', headers } = incoming
    const forwarded = send(new URL(url, target), { method, headers }, (answer) => {
      if (answer.headers['millrace-pending'] !== undefined) pending++
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.destroy())
    outgoing.on('close', () => forwarded.destroy())
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.closeAllConnections()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
