/** Unsigned LEB128 integers up to 2^53 - 1 and fixed-width numbers: the bricks of our packed formats. */

export type Packer = {
  byte(value: number): void
  uint(value: number): void
  /** Zigzag, for numbers that may be negative. */
  int(value: number): void
  /** Seven bytes, big-endian. */
  uint56(value: number): void
  bytes(value: Uint8Array): void
  done(): Uint8Array
}

export function packer(sizeHint = 64): Packer {
  let buffer = new Uint8Array(sizeHint)
  let length = 0
  const room = (count: number) => {
    if (length + count <= buffer.length) return
    const grown = new Uint8Array(Math.max(buffer.length * 2, length + count))
    grown.set(buffer)
    buffer = grown
  }
  const byte = (value: number) => {
    room(1)
    buffer[length++] = value
  }
  const uint = (value: number) => {
    let rest = value
    while (rest >= 0x80) {
      byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    byte(rest)
  }
  return {
    byte,
    uint,
    int: (value) => uint(value >= 0 ? value * 2 : -value * 2 - 1),
    uint56(value) {
      let unit = 2 ** 48
      for (let at = 0; at < 7; at++, unit /= 256) byte(Math.floor(value / unit) % 256)
    },
    bytes(value) {
      room(value.length)
      buffer.set(value, length)
      length += value.length
    },
    done: () => buffer.slice(0, length),
  }
}

export type Unpacker = {
  byte(): number
  uint(): number
  int(): number
  uint56(): number
  /** A view, not a copy. */
  bytes(count: number): Uint8Array
  readonly at: number
  readonly left: number
}

/** @throws RangeError where the bytes end too early. */
export function unpacker(bytes: Uint8Array, start = 0): Unpacker {
  let at = start
  const byte = () => {
    const value = bytes[at++]
    if (value === undefined) throw new RangeError('packed bytes end too early')
    return value
  }
  const uint = () => {
    let value = 0
    let unit = 1
    for (;;) {
      const next = byte()
      value += (next & 0x7f) * unit
      if (next < 0x80) return value
      unit *= 0x80
      if (unit > 2 ** 53) throw new RangeError('packed integer is too long')
    }
  }
  return {
    byte,
    uint,
    int() {
      const zigzag = uint()
      return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    },
    uint56() {
      let value = 0
      for (let count = 0; count < 7; count++) value = value * 256 + byte()
      return value
    },
    bytes(count) {
      if (at + count > bytes.length) throw new RangeError('packed bytes end too early')
      at += count
      return bytes.subarray(at - count, at)
    },
    get at() {
      return at
    },
    get left() {
      return bytes.length - at
    },
  }
}
