import type { IncomingMessage } from 'node:http'

export type BodyTrouble = 'too-large' | 'aborted'

/** How much of a body may have to be held, by its announcement: 0 where there is none. */
export function announcedBytes(request: IncomingMessage, bytesMax: number): number {
  const length = request.headers['content-length']
  if (length !== undefined) return Number(length)
  return request.headers['transfer-encoding'] === undefined ? 0 : bytesMax
}

/** Reads a request's body, at most `bytesMax`. What is announced as larger is not read at all. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer | BodyTrouble> {
  if (announcedBytes(request, bytesMax) > bytesMax) return 'too-large'
  const pieces: Buffer[] = []
  let length = 0
  try {
    // The cast: without setEncoding Node's request streams yield Buffers, which its types do not say.
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += piece.length
      if (length > bytesMax) return 'too-large'
      pieces.push(piece)
    }
  } catch {
    return 'aborted'
  }
  return request.complete ? Buffer.concat(pieces, length) : 'aborted'
}

/**
 * Lets a client that is still sending read our refusal: what it sends is dropped for a moment, then the connection is. Closing
 * at once would reset it, and the client might never see why.
 */
export function dropRest(request: IncomingMessage, forMs: number): void {
  if (request.complete) return
  request.resume()
  const timer = setTimeout(() => request.destroy(), forMs)
  request.once('close', () => clearTimeout(timer))
}
