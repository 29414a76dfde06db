import type { Socket } from 'node:net'
import type { Answerer } from '../../broker/answer-frame.ts'
import { FrameError } from '../../broker/errors.ts'
import type { Budget } from './budget.ts'
import { FrameReader } from './framing.ts'
import type { KafkaLimits } from './limits.ts'
import { pieceBytes, send } from './outgoing.ts'
import { roomOf } from './record-room.ts'
import type { RequestRoom } from './request-room.ts'

const lingerMs = 1_000

/** What all connections of a listener share. */
export type Shared = {
  readonly answerer: Answerer
  readonly limits: KafkaLimits
  /** Requests that are held. */
  readonly requests: RequestRoom
  /** Records in answers that are not sent yet. */
  readonly records: Budget
  /** All else in them. */
  readonly answers: Budget
}

/**
 * One client's connection. Its requests are answered one after the other, as Kafka's broker does: so answers stand in the order
 * of the requests, and what it produces is appended in order. Only those that the answerer lets overlap are begun before the ones
 * before them are answered, each when the last has its place. It goes on being read meanwhile, up to a limit, so that the end of
 * the connection is seen and ends a wait.
 */
export class Connection {
  /** Resolves when it is closed and nothing of it goes on. */
  readonly finished: Promise<void>
  readonly #socket: Socket
  readonly #id: string
  readonly #shared: Shared
  readonly #queue: Buffer[] = []
  #queuedBytes = 0
  /** Called when the queue has room again. */
  #onRoom: (() => void) | undefined
  /** Of the requests that are being answered. */
  readonly #present = new Set<AbortController>()
  /** The one of them that lets no other be answered beside it: it may be waiting for news. */
  #alone: AbortController | undefined
  /** The bytes of those that overlap. */
  #overlappingBytes = 0
  /** Called when a request has come. */
  #onRequest: (() => void) | undefined
  /** Resolves when all requests that were begun are answered. */
  #answered: Promise<void> = Promise.resolve()
  #working: Promise<void> | undefined
  #waiting = false
  /** Cuts off a client that sends too little of a request; of how much its time began anew. */
  #stalled: NodeJS.Timeout | undefined
  #watchedBytes = 0
  /** No more requests are taken; those that are here are answered, without waiting for anything. */
  #ending = false

  constructor(socket: Socket, id: string, shared: Shared) {
    this.#socket = socket
    this.#id = id
    this.#shared = shared
    socket.on('error', () => {}) // What follows is `close`.
    this.finished = new Promise((resolve) => {
      socket.once('close', () => {
        this.end()
        resolve(this.#working)
      })
    })
    socket.on('timeout', () => this.#onTimeout())
    socket.setTimeout(shared.limits.idleMs)
    void this.#receive()
  }

  /** Answers what has come whole, and closes. */
  end(): void {
    this.#ending = true
    for (const present of this.#present) present.abort()
    this.#makeRoom()
    if (!this.#working) this.#close()
  }

  async #receive(): Promise<void> {
    const { limits } = this.#shared
    const reader = new FrameReader(limits.frameBytesMax)
    let begun: number | undefined
    try {
      // The cast: without setEncoding Node's sockets yield Buffers, which its types do not say.
      for await (const chunk of this.#socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        for (let at = 0; at < chunk.length && !this.#ending; ) {
          at = reader.take(chunk, at)
          const announced = reader.announcedBytes
          if (announced !== undefined) {
            await this.#unread(this.#shared.requests.take(announced))
            begun = announced
            reader.begin(announced)
          }
          const frame = reader.whole()
          if (!frame) continue
          begun = undefined
          this.#unwatch()
          await this.#enqueue(frame)
        }
        this.#watch(reader)
      }
      this.end()
    } catch (error) {
      // Garbage closes the connection; so does its loss.
      const isTheirs = error instanceof FrameError || this.#socket.destroyed
      if (!isTheirs) this.#shared.answerer.report(error)
      this.#socket.destroy()
    } finally {
      this.#unwatch()
      if (begun !== undefined) this.#shared.requests.release(begun)
    }
  }

  /** A request that was begun has to come on, whatever else goes on: it holds room that others wait for. */
  #watch({ comeBytes }: FrameReader): void {
    if (comeBytes === 0 || (this.#stalled && comeBytes < this.#watchedBytes + pieceBytes)) return
    this.#unwatch()
    this.#watchedBytes = comeBytes
    this.#stalled = setTimeout(() => {
      // Nobody reads what it sends now.
      if (this.#waiting) this.#stalled?.refresh()
      else this.#socket.destroy()
    }, this.#shared.limits.stalledMs)
  }

  #unwatch(): void {
    clearTimeout(this.#stalled)
    this.#stalled = undefined
  }

  async #enqueue(frame: Buffer): Promise<void> {
    if (this.#ending) {
      this.#shared.requests.release(frame.length)
      return
    }
    this.#queue.push(frame)
    this.#queuedBytes += frame.length
    this.#onRequest?.()
    this.#working ??= this.#work()
    if (this.#isFull()) {
      // Not read, it could be gone: nobody waits for news with so much to be answered.
      if (this.#alone && !this.#alone.signal.aborted) this.#alone.abort()
      const room = new Promise<void>((onRoom) => {
        this.#onRoom = onRoom
      })
      await this.#unread(room)
    }
  }

  /** Waits without reading from the client, which is not to blame then for being silent. */
  async #unread(wait: Promise<void> | undefined): Promise<void> {
    if (!wait) return
    this.#waiting = true
    await wait
    this.#waiting = false
  }

  #isFull(): boolean {
    const { queuedRequestsMax, queuedBytesMax } = this.#shared.limits
    return !this.#ending && (this.#queue.length >= queuedRequestsMax || this.#queuedBytes >= queuedBytesMax)
  }

  #makeRoom(): void {
    if (this.#isFull()) return
    this.#onRoom?.()
    this.#onRoom = undefined
  }

  /** Answers until the queue is empty and all that was begun is answered. */
  async #work(): Promise<void> {
    for (;;) {
      const frame = this.#queue.shift()
      if (!frame) {
        await this.#answeredOrMore()
        if (this.#queue.length > 0) continue
        break
      }
      this.#queuedBytes -= frame.length
      this.#makeRoom()
      await this.#begin(frame)
    }
    this.#working = undefined
    if (this.#ending) this.#close()
  }

  #answeredOrMore(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRequest = resolve
      void this.#answered.then(resolve)
    })
  }

  /** Resolves when the next request may be begun. */
  async #begin(frame: Buffer): Promise<void> {
    const { answerer, limits, answers } = this.#shared
    const overlaps = answerer.overlaps(frame)
    const isFull = this.#overlappingBytes >= limits.overlappingBytesMax || this.#present.size >= limits.overlappingMax
    if (!overlaps || isFull) await this.#answered
    // Others' answers have to go first: nothing is held for it yet.
    await answers.take(0)
    this.#overlappingBytes += frame.length
    const present = new AbortController()
    this.#present.add(present)
    this.#alone = overlaps ? undefined : present
    if (this.#ending) present.abort()
    const ordered = new Promise<void>((onOrdered) => {
      const before = this.#answered
      this.#answered = this.#answer(frame, before, present.signal, onOrdered).finally(() => {
        this.#present.delete(present)
        this.#overlappingBytes -= frame.length
        this.#shared.requests.release(frame.length)
      })
    })
    await (overlaps ? Promise.race([ordered, this.#answered]) : this.#answered)
  }

  /** Gives the answer when those `before` it have gone. Never rejects. */
  async #answer(frame: Buffer, before: Promise<void>, signal: AbortSignal, onOrdered: () => void): Promise<void> {
    const { answerer, limits, answers, records } = this.#shared
    const room = roomOf(records)
    try {
      if (this.#socket.destroyed) return
      const answer = await answerer.answer(
        {
          clientHost: this.#socket.remoteAddress ?? '',
          connectionId: this.#id,
          signal,
          waitMsMax: Number.POSITIVE_INFINITY,
          onOrdered,
          room,
        },
        frame,
      )
      await before
      if (!answer) return
      const bytes = Math.max(0, answer.reduce((sum, { length }) => sum + length, 0) - room.heldBytes)
      answers.hold(bytes)
      try {
        await send(this.#socket, answer, limits.stalledMs)
      } finally {
        answers.release(bytes)
      }
    } catch (error) {
      if (!(error instanceof FrameError)) answerer.report(error)
      await before
      this.#socket.destroy()
    } finally {
      room.clear()
      await before
    }
  }

  #onTimeout(): void {
    // A client that waits for us is not idle, nor is one that we do not read.
    if (!this.#working && !this.#waiting) this.#socket.destroy()
  }

  /** What the client still sends is read and dropped for a moment: a reset might take our last answers from it. */
  #close(): void {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return
    socket.end(() => {
      const linger = setTimeout(() => socket.destroy(), lingerMs)
      socket.once('close', () => clearTimeout(linger))
    })
  }
}
