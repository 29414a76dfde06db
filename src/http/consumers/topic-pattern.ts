/**
 * Topic patterns: the part of Java's regular expressions that is regular. A pattern runs as a set of states that moves over the
 * name once, so that its time is bounded by its length times the name's: no pattern, however made, keeps a server busy. It has to
 * match the whole name, as in Java's consumer. `pattern-parser.ts` says what of them is understood.
 */
import { type Node, parsePattern, refused, type Test } from './pattern-parser.ts'

/** In characters. */
const patternLengthMax = 256
/** What `{n,m}` may unfold a pattern to. */
const statesMax = 4_000

/** A state: eats a character that passes `test` and goes `next`, or, without `test`, is in all of `next` at once. */
type State = { readonly test?: Test; next: State[] }

/** Whether a topic's whole name matches. 422 for a pattern that is not understood. */
export function topicPattern(text: string): (name: string) => boolean {
  if (text.length > patternLengthMax) throw refused(`may have at most ${patternLengthMax} characters`)
  const end: State = { next: [] }
  const budget = { left: statesMax }
  const start = compile(parsePattern(text), end, budget)
  return (name) => {
    let current = reach([start])
    for (const character of name) {
      current = reach([...current].flatMap(({ test, next }) => (test?.(character) ? next : [])))
      if (current.size === 0) return false
    }
    return current.has(end)
  }
}

/** All states that these are in without eating a character. */
function reach(states: readonly State[]): Set<State> {
  const seen = new Set<State>()
  const open = [...states]
  for (let state = open.pop(); state; state = open.pop()) {
    if (seen.has(state)) continue
    seen.add(state)
    if (!state.test) open.push(...state.next)
  }
  return seen
}

function compile(node: Node, after: State, budget: { left: number }): State {
  if (budget.left-- <= 0) throw refused('is too large with its repetitions written out')
  switch (node.kind) {
    case 'one':
      return { test: node.test, next: [after] }
    case 'sequence':
      return node.parts.reduceRight((next, part) => compile(part, next, budget), after)
    case 'either':
      return { next: node.parts.map((part) => compile(part, after, budget)) }
    case 'repeat': {
      const { part, min, max } = node
      let next = after
      if (max === Number.POSITIVE_INFINITY) {
        const loop: State = { next: [after] }
        loop.next.push(compile(part, loop, budget))
        next = loop
      } else {
        for (let more = min; more < max; more++) next = { next: [after, compile(part, next, budget)] }
      }
      for (let count = 0; count < min; count++) next = compile(part, next, budget)
      return next
    }
  }
}
