/**
 * The text of values inside a JSON document, so that what a caller wrote is what is stored: 12345678901234567890, 1e400 and 1.0
 * keep their digits, members keep their order. Only what carries no meaning changes: white space goes, and a string written with
 * escapes becomes the string JSON.stringify writes, so that one key has one form and goes to one partition.
 *
 * All functions here expect text that JSON.parse has already accepted.
 */

const quote = 0x22
const backslash = 0x5c

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

function skipSpace(text: string, at: number): number {
  let next = at
  while (isSpace(text.charCodeAt(next))) next++
  return next
}

/** From the opening quote to after the closing one. */
function skipString(text: string, at: number): number {
  let end = text.indexOf('"', at + 1)
  for (;;) {
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes++
    if (escapes % 2 === 0) return end + 1
    end = text.indexOf('"', end + 1)
  }
}

/** From the first character of any value to after its last. */
function skipValue(text: string, at: number): number {
  let depth = 0
  let next = at
  for (;;) {
    const char = text[next]
    if (char === '"') next = skipString(text, next)
    else if (char === '{' || char === '[') {
      depth++
      next++
      continue
    } else if (char === '}' || char === ']') {
      depth--
      next++
    } else if (char === ',' || char === ':' || isSpace(text.charCodeAt(next))) {
      next++
      continue
    } else next = skipLiteral(text, next)
    if (depth === 0) return next
  }
}

const literal = /[^\s,:\]}]+/y

function skipLiteral(text: string, at: number): number {
  literal.lastIndex = at
  return literal.test(text) ? literal.lastIndex : text.length
}

/** Where an object's members or an array's elements lie, in order; `name` is absent in an array. */
export function* children(text: string, at: number): Generator<{ name?: string; start: number; end: number }> {
  const open = skipSpace(text, at)
  const isObject = text[open] === '{'
  let next = skipSpace(text, open + 1)
  while (text[next] !== '}' && text[next] !== ']') {
    let name: string | undefined
    if (isObject) {
      const nameEnd = skipString(text, next)
      // JSON.parse took the whole document, so a name in it is a string.
      name = JSON.parse(text.slice(next, nameEnd)) as string
      next = skipSpace(text, skipSpace(text, nameEnd) + 1)
    }
    const end = skipValue(text, next)
    yield name === undefined ? { start: next, end } : { name, start: next, end }
    next = skipSpace(text, end)
    if (text[next] === ',') next = skipSpace(text, next + 1)
  }
}

/** One value's text, without white space around its parts and with its strings in their plain form. */
export function compactText(text: string, start: number, end: number): string {
  const parts: string[] = []
  let from = start
  let at = start
  while (at < end) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      const after = skipString(text, at)
      const written = text.slice(at, after)
      if (written.includes('\\')) {
        parts.push(text.slice(from, at), JSON.stringify(JSON.parse(written)))
        from = after
      }
      at = after
    } else if (isSpace(code)) {
      parts.push(text.slice(from, at))
      at = skipSpace(text, at)
      from = at
    } else at++
  }
  parts.push(text.slice(from, end))
  return parts.join('')
}
