/** A server that is killed without warning and started anew on the same folder. Its address changes each time. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Millrace, startMillrace } from '../../server/millrace-process.ts'

export type DoomedServer = {
  /** Where it answers; waits while it is being started. */
  url(): Promise<string>
  /** Kills it and resolves once it is ready again. */
  killAndStart(): Promise<void>
}

export async function doomedServer(folder: string): Promise<DoomedServer> {
  const start = () => startMillrace(['--data', folder, '--default-partitions', '2'])
  let ready: Promise<Millrace> = start()
  await ready
  const kill = async () => {
    const { signal, exited } = await ready
    signal('SIGKILL')
    await exited
  }
  return {
    url: async () => (await ready).url,
    killAndStart: async () => {
      // Callers that come from now on wait for the next one.
      ready = kill().then(start)
      await ready
    },
  }
}

export type Answered = { readonly status: number; readonly body: unknown }

const json = 'application/vnd.kafka.json.v2+json'
export const management = 'application/vnd.kafka.v2+json'

/** `undefined`: no whole answer came, so that nothing is known. */
export async function call(
  server: DoomedServer,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered | undefined> {
  const url = await server.url()
  try {
    const response = await fetch(url + path, {
      method,
      headers: {
        accept: `${json}, ${management}`,
        ...(body === undefined ? {} : { 'content-type': json }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  } catch {
    // One turn of the loop at least, so that whoever was killed is noticed.
    await pause(5)
    return undefined
  }
}

/** Until it is answered. Only for calls that may be made again. */
export async function insist(
  server: DoomedServer,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
): Promise<unknown> {
  for (;;) {
    const answer = await call(server, method, path, body, headers)
    if (answer === undefined) continue
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
}
