/**
 * A proxy between the functions and the emulator that remembers what each function asked of AWS. No emulator enforces IAM: what
 * is remembered here is held against the functions' roles afterwards.
 */
import { createServer, type IncomingHttpHeaders, request as send } from 'node:http'
import { callerOf, callsOf, type Place } from '../../policy/aws-call.ts'
import type { Call } from '../../policy/evaluate.ts'

export type Recorder = {
  readonly url: string
  /** By function name. */
  readonly calls: ReadonlyMap<string, readonly Call[]>
  /** Requests that named no function: there should be none. */
  readonly anonymous: readonly string[]
  close(): Promise<void>
}

/** `host`: the address under which the functions reach this machine. */
export const startRecorder = async (endpoint: string, host: string, place: Place): Promise<Recorder> => {
  const calls = new Map<string, Call[]>()
  const anonymous: string[] = []

  const remember = (method: string, url: string, headers: IncomingHttpHeaders, body: string, status: number): void => {
    const wire = { method, url, headers, body }
    const caller = callerOf(wire)
    if (caller === undefined) {
      anonymous.push(`${method} ${url} ${headers['user-agent']}`)
      return
    }
    const asked = [...callsOf(wire, place)]
    // S3 tells a missing object from a forbidden one only to those who may list the bucket.
    if (status === 404)
      for (const { action, resource } of callsOf(wire, place))
        if (action === 's3:GetObject')
          asked.push({ action: 's3:ListBucket', resource: resource.split('/')[0] ?? '', context: {} })
    calls.set(caller, [...(calls.get(caller) ?? []), ...asked])
  }

  const server = createServer(async (incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const forwarded = send(new URL(url, endpoint), { method, headers }, (answer) => {
      remember(method, url, headers, body.toString('latin1'), answer.statusCode ?? 0)
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.destroy())
    forwarded.end(body)
  })
  const listenOn = host === '127.0.0.1' ? host : '0.0.0.0'
  await new Promise<void>((resolve) => server.listen(0, listenOn, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The recorder has no port')
  const close = (): Promise<void> => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  }
  return { url: `http://${host}:${address.port}`, calls, anonymous, close }
}
