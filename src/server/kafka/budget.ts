/** Bytes that many share. Who asks for more than is left waits its turn, first come, first served. */
export class Budget {
  readonly #bytesMax: number
  readonly #waiting: { readonly bytes: number; readonly go: () => void }[] = []
  #held = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get held(): number {
    return this.#held
  }

  get free(): number {
    return Math.max(0, this.#bytesMax - this.#held)
  }

  /** Resolves when the bytes are there; undefined where they are at once. What is larger than all of it gets it alone. */
  take(bytes: number): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#held += bytes
      return undefined
    }
    return new Promise((go) => this.#waiting.push({ bytes, go }))
  }

  /** Counts bytes that are there already, whether they fit or not. */
  hold(bytes: number): void {
    this.#held += bytes
  }

  /** Gives back what was taken or held. */
  release(bytes: number): void {
    this.#held -= bytes
    for (;;) {
      const [next] = this.#waiting
      if (!next || !this.#fits(next.bytes)) return
      this.#waiting.shift()
      this.#held += next.bytes
      next.go()
    }
  }

  #fits(bytes: number): boolean {
    return this.#held === 0 || this.#held + bytes <= this.#bytesMax
  }
}
