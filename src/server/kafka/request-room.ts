import { Budget } from './budget.ts'

/** What a request takes while it is being answered, beside its bytes: measured, with thousands of small ones under way. */
const besideFrameBytes = 8 * 1024
/** Requests beyond this share half of the room: those that never come whole leave the other half to everybody else. */
const largeBytes = 1024 * 1024

const heldBytesOf = (frameBytes: number): number => frameBytes + besideFrameBytes

/** Memory for the requests of all connections, from before they come until they are answered. */
export class RequestRoom {
  readonly #all: Budget
  readonly #large: Budget

  constructor(bytesMax: number) {
    this.#all = new Budget(bytesMax)
    this.#large = new Budget(bytesMax / 2)
  }

  /** Resolves when there is room for a request of so many bytes; undefined where there is at once. */
  take(frameBytes: number): Promise<void> | undefined {
    const bytes = heldBytesOf(frameBytes)
    const turn = frameBytes > largeBytes ? this.#large.take(bytes) : undefined
    return turn ? turn.then(() => this.#all.take(bytes)) : this.#all.take(bytes)
  }

  release(frameBytes: number): void {
    const bytes = heldBytesOf(frameBytes)
    this.#all.release(bytes)
    if (frameBytes > largeBytes) this.#large.release(bytes)
  }
}
