/**
 * The text of a topic pattern as a tree.
 *
 * Understood: literals, `.`, `[a-z]` and `[^…]` with ranges and escapes, `\d \D \w \W \s \S`, `\` before punctuation, `\Q…\E`,
 * groups `( )` and `(?: )`, `|`, `* + ?` and `{n} {n,} {n,m}` (lazy or not: it makes no difference to a whole match), `^` first and
 * `$` last. Not understood, and refused: look-around, back references, possessive quantifiers, flags, classes within classes.
 */
import { HttpError } from '../errors.ts'

/** Whether a character is one that the pattern means. */
export type Test = (character: string) => boolean
export type Node =
  | { readonly kind: 'one'; readonly test: Test }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'either'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly min: number; readonly max: number }

/** 422 for a pattern that is not understood. */
export const parsePattern = (text: string): Node => new Parser(text).whole()

const classes: Readonly<Record<string, Test>> = {
  d: (character) => /[0-9]/.test(character),
  w: (character) => /[A-Za-z0-9_]/.test(character),
  s: (character) => /[ \t\n\v\f\r]/.test(character),
}

class Parser {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): Node {
    this.#eat('^')
    const node = this.#either()
    if (this.#at < this.#text.length) throw refused('has a ) without a (')
    return node
  }

  #either(): Node {
    if (++this.#depth > 50) throw refused('is nested too deeply')
    const parts = [this.#sequence()]
    while (this.#eat('|')) parts.push(this.#sequence())
    this.#depth--
    return { kind: 'either', parts }
  }

  #sequence(): Node {
    const parts: Node[] = []
    for (;;) {
      const next = this.#text[this.#at]
      if (next === undefined || next === '|' || next === ')') return { kind: 'sequence', parts }
      if (next === '$' && this.#at === this.#text.length - 1) this.#at++
      else parts.push(this.#repeated(this.#atom()))
    }
  }

  #atom(): Node {
    const character = this.#take()
    if (character === '(') return this.#group()
    if (character === '[') return { kind: 'one', test: this.#class() }
    if (character === '.') return { kind: 'one', test: () => true }
    if (character === '\\') return this.#escape()
    if ('*+?{^$'.includes(character)) throw refused(`has a ${character} where it means nothing, or nothing known here`)
    return literal(character)
  }

  #group(): Node {
    if (this.#eat('?') && !this.#eat(':')) throw refused('has a group of a kind that is not known here')
    const node = this.#either()
    if (!this.#eat(')')) throw refused('has a ( without a )')
    return node
  }

  #escape(): Node {
    if (!this.#eat('Q')) return { kind: 'one', test: this.#escapedTest() }
    const end = this.#text.indexOf('\\E', this.#at)
    const quoted = this.#text.slice(this.#at, end < 0 ? undefined : end)
    this.#at = end < 0 ? this.#text.length : end + 2
    return { kind: 'sequence', parts: [...quoted].map(literal) }
  }

  #escapedTest(): Test {
    const character = this.#take()
    const known = classes[character.toLowerCase()]
    if (known) return character === character.toLowerCase() ? known : (other) => !known(other)
    if (/[A-Za-z0-9]/.test(character)) throw refused(`has \\${character}, which is not known here`)
    return (other) => other === character
  }

  #class(): Test {
    const negated = this.#eat('^')
    const tests: Test[] = []
    for (let first = true; first || !this.#eat(']'); first = false) {
      const from = this.#take()
      if (from === '[' || (from === '&' && this.#text[this.#at] === '&')) {
        throw refused('has a class within a class, which is not known here')
      }
      if (from === '\\') {
        tests.push(this.#escapedTest())
        continue
      }
      const isRange = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']'
      if (!isRange) {
        tests.push((character) => character === from)
        continue
      }
      this.#at++
      const to = this.#take()
      if (to === '\\' || to < from) throw refused('has a range that ends before it begins')
      tests.push((character) => character >= from && character <= to)
    }
    return (character) => tests.some((test) => test(character)) !== negated
  }

  #repeated(part: Node): Node {
    const times = this.#times()
    if (!times) return part
    this.#eat('?')
    if ('*+?{'.includes(this.#text[this.#at] ?? ' ')) throw refused('repeats a repetition: put it into a group')
    return { kind: 'repeat', part, ...times }
  }

  #times(): { min: number; max: number } | undefined {
    if (this.#eat('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
    if (this.#eat('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
    if (this.#eat('?')) return { min: 0, max: 1 }
    const found = /^\{(\d{1,3})(,(\d{0,3}))?\}/.exec(this.#text.slice(this.#at))
    if (!found) return undefined
    this.#at += found[0].length
    const min = Number(found[1])
    const max = found[2] === undefined ? min : found[3] ? Number(found[3]) : Number.POSITIVE_INFINITY
    if (max < min) throw refused('has a repetition that ends before it begins')
    return { min, max }
  }

  #eat(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #take(): string {
    const character = this.#text[this.#at]
    if (character === undefined) throw refused('ends too early')
    this.#at++
    return character
  }
}

const literal = (character: string): Node => ({ kind: 'one', test: (other) => other === character })

export const refused = (reason: string) => new HttpError('constraint', `topic_pattern: ${reason}`)
