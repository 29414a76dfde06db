/** JSON documents one after the other, with or without white space between them: a stream of records as v3 takes it. */

/**
 * Where each object lies in the text. What is no object, or is not closed, reaches to the end of the text: it is for the caller to
 * find that JSON.parse does not take it.
 */
export function* documents(text: string): Generator<{ readonly start: number; readonly end: number }> {
  const brackets = /[{}"]/g
  let start = text.search(/\S/)
  while (start >= 0 && start < text.length) {
    const end = text[start] === '{' ? endOfObject(text, start, brackets) : text.length
    yield { start, end }
    const gap = /\S/g
    gap.lastIndex = end
    start = gap.exec(text)?.index ?? text.length
  }
}

function endOfObject(text: string, start: number, brackets: RegExp): number {
  let depth = 0
  brackets.lastIndex = start
  for (;;) {
    const found = brackets.exec(text)
    if (!found) return text.length
    if (found[0] === '"') brackets.lastIndex = endOfString(text, found.index)
    else depth += found[0] === '{' ? 1 : -1
    if (depth === 0) return brackets.lastIndex
  }
}

/** After the closing quote; the end of the text where there is none. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text[end - 1 - escapes] === '\\') escapes++
    if (escapes % 2 === 0) return end + 1
  }
  return text.length
}
