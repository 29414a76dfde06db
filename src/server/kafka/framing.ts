import { mayBeRequest } from '../../broker/answer-frame.ts'
import { FrameError } from '../../broker/errors.ts'

/** A frame's length, and of what it announces the API and its version. */
const preludeBytes = 8
/** The shortest header: API, version, correlation id. */
const frameBytesMin = 8

/**
 * Puts the frames of one connection together, whatever pieces they come in. A frame is first `announced`, when enough is there to
 * tell a request from garbage, and takes room only when `begin` is called: that is where a connection waits for memory.
 */
export class FrameReader {
  readonly #bytesMax: number
  readonly #prelude = Buffer.alloc(preludeBytes)
  #preludeFilled = 0
  #frame: Buffer | undefined
  #filled = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** What has come of a frame that has been begun and not come to its end. */
  get comeBytes(): number {
    return Math.max(this.#preludeFilled, this.#frame ? this.#filled : 0)
  }

  /** The announced length of a frame that has no room yet. */
  get announcedBytes(): number | undefined {
    if (this.#preludeFilled < preludeBytes || this.#frame) return undefined
    return this.#prelude.readInt32BE(0)
  }

  begin(bytes: number): void {
    this.#frame = Buffer.allocUnsafeSlow(bytes)
    this.#filled = this.#prelude.copy(this.#frame, 0, 4)
  }

  /**
   * Takes what belongs to the present frame from the chunk and says where it ended, or stopped to be given room.
   * @throws FrameError for what cannot be a request
   */
  take(chunk: Buffer, from: number): number {
    if (this.#frame) {
      const taken = chunk.copy(this.#frame, this.#filled, from)
      this.#filled += taken
      return from + taken
    }
    const taken = chunk.copy(this.#prelude, this.#preludeFilled, from)
    this.#preludeFilled += taken
    if (this.#preludeFilled === preludeBytes) this.#check()
    return from + taken
  }

  /** The frame that has come to its end, without its length. */
  whole(): Buffer | undefined {
    const frame = this.#frame
    if (!frame || this.#filled < frame.length) return undefined
    this.#frame = undefined
    this.#preludeFilled = 0
    return frame
  }

  #check(): void {
    const bytes = this.#prelude.readInt32BE(0)
    if (bytes < frameBytesMin || bytes > this.#bytesMax) throw new FrameError(`a request of ${bytes} bytes`)
    const apiKey = this.#prelude.readInt16BE(4)
    const apiVersion = this.#prelude.readInt16BE(6)
    if (!mayBeRequest(apiKey, apiVersion)) throw new FrameError(`version ${apiVersion} of API ${apiKey}`)
  }
}
