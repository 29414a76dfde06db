import type { Socket } from 'node:net'

/** A client that takes, or sends, less than this in `stalledMs` is cut off. */
export const pieceBytes = 512 * 1024

/**
 * Hands an answer to the system, a piece at a time: resolves when all of it is there or nearly, and destroys the socket of a client
 * that does not read. Resolves in any case.
 */
export async function send(socket: Socket, answer: readonly Uint8Array[], stalledMs: number): Promise<void> {
  // Many small parts go out as one packet.
  socket.cork()
  let corked = true
  for (const part of answer) {
    for (let from = 0; from < part.length; from += pieceBytes) {
      if (socket.destroyed) return
      const isTaken = socket.write(part.subarray(from, from + pieceBytes))
      if (isTaken) continue
      if (corked) socket.uncork()
      corked = false
      if (socket.writableNeedDrain && !(await drained(socket, stalledMs))) socket.destroy()
    }
  }
  if (corked) socket.uncork()
}

function drained(socket: Socket, stalledMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isDrained: boolean) => () => {
      clearTimeout(timer)
      socket.off('drain', onDrain)
      socket.off('close', onClose)
      resolve(isDrained)
    }
    const onDrain = end(true)
    const onClose = end(false)
    const timer = setTimeout(onClose, stalledMs)
    socket.on('drain', onDrain)
    socket.on('close', onClose)
  })
}
