import type { ServerResponse } from 'node:http'
import type { Caller } from '../http/request.ts'

/**
 * Watches the connection that a request came by. Delivered means handed to the system whole, which is the most that can be known
 * without the client's word.
 */
export function callerBehind(response: ServerResponse, running: Set<Promise<unknown>>): Caller {
  const gone = new AbortController()
  const undos: (() => Promise<void>)[] = []
  const run = (undo: () => Promise<void>) => {
    const undone = undo().catch(() => {}) // Nobody is left to be told.
    running.add(undone)
    void undone.finally(() => running.delete(undone))
  }
  response.once('close', () => {
    if (response.writableFinished) return
    gone.abort()
    for (const undo of undos.splice(0)) run(undo)
  })
  return {
    gone: gone.signal,
    ifUndelivered(undo) {
      if (gone.signal.aborted) run(undo)
      else undos.push(undo)
    },
  }
}
