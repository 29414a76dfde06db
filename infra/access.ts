/** Which routes a grant opens, as the resource patterns of `execute-api:Invoke`. */
import { type RouteClass, routeClasses } from '../functions/access.ts'
import { functionNames, routes } from '../functions/routes.ts'

/** `*`: every topic, every group. */
export type Opening =
  | { readonly kind: 'produce'; readonly topic: string }
  | { readonly kind: 'consume'; readonly group: string; readonly topic: string }

type Route = { readonly method: string; readonly segments: readonly string[]; readonly class: RouteClass | undefined }

/** Each call of each route; a route without a class is opened by no grant but that of every route. */
const deployed: readonly Route[] = functionNames
  .flatMap((name): readonly string[] => routes[name])
  .flatMap((key) => {
    const [method = '', path = ''] = key.split(' ')
    const found = routeClasses[key]
    if (typeof found !== 'object') return [{ method, segments: path.split('/'), class: found }]
    return Object.entries(found).map(([verb, ofVerb]) => ({
      method,
      // The colon may come percent-encoded, and IAM is not documented to decode it.
      segments: path.replace('{verb}', verb.replace(':', '*')).split('/'),
      class: ofVerb,
    }))
  })

/** A cluster's id is 22 characters: that many `?` stand for one, where a `*` would reach across slashes. */
const anyCluster = '?'.repeat(22)

const isOpened = (route: Route, opening: Opening): boolean => {
  if (route.class === opening.kind || route.class === 'frame') return true
  // A producer has no business with groups.
  return route.class === 'describe' && (opening.kind === 'consume' || !route.segments.includes('{group}'))
}

/**
 * `<METHOD>/<path>` patterns, as few as open what the grants are for: a role's policies have room for some hundred. IAM's `*` reaches
 * across slashes: it stands for several routes where it opens no other, and a route that only a pattern too wide could open is left
 * out. So a producer cannot describe one partition (`GET /topics/T/partitions/*` would open its records), but all of them.
 */
export const patternsOf = (openings: readonly Opening[]): readonly string[] => fewest(openings.flatMap(patternsOfOne))

const patternsOfOne = (opening: Opening): readonly string[] => {
  const closed = deployed.flatMap((route) => closedPaths(route, opening))
  const exact = deployed.filter((route) => isOpened(route, opening)).map((route) => patternOf(route, opening))
  const wider = [...new Set(exact.flatMap(ancestorsOf))]
    .map((ancestor) => `${ancestor}/*`)
    .filter((pattern) => exact.filter(matching(pattern)).length > 1)
  return fewest([...exact, ...wider].filter((pattern) => !closed.some(matching(pattern))))
}

const patternOf = (route: Route, opening: Opening): string => filled(route, (name) => granted(name, opening))

const granted = (name: string, opening: Opening): string => {
  if (name === 'cluster') return anyCluster
  if (name === 'topic') return opening.topic
  return name === 'group' && opening.kind === 'consume' ? opening.group : '*'
}

/** Examples of what the grant must not open: routes that are not its own, and its own under another name. */
const closedPaths = (route: Route, opening: Opening): readonly string[] => {
  const example = (pattern: string): string => pattern.replaceAll('?', 'c').replaceAll('*', 'x')
  const elsewhere = (other: string): string =>
    example(filled(route, (name) => (name === other ? 'x' : granted(name, opening))))
  if (!isOpened(route, opening)) return [example(patternOf(route, opening)), elsewhere('topic'), elsewhere('group')]
  // What belongs to a granted group, the grant may see whole.
  const [owner] = ['group', 'topic'].filter((name) => route.segments.includes(`{${name}}`))
  return owner === undefined || granted(owner, opening) === '*' ? [] : [elsewhere(owner)]
}

const ancestorsOf = (pattern: string): readonly string[] => {
  const segments = pattern.split('/')
  return segments.slice(1).map((_, at) => segments.slice(0, at + 1).join('/'))
}

const filled = ({ method, segments }: Route, value: (name: string) => string): string =>
  method + segments.map((segment) => segment.replace(/\{(\w+)\}/g, (_, name: string) => value(name))).join('/')

/** IAM's matching, except that a `?` does not stand for a `*` of the other pattern. */
const matching = (pattern: string): ((text: string) => boolean) => {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  const whole = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '[^*]')}$`)
  return (text) => whole.test(text)
}

const fewest = (patterns: readonly string[]): readonly string[] => {
  const all = [...new Set(patterns)]
  const covered = new Set<string>()
  for (const pattern of all) {
    if (!pattern.includes('*')) continue
    const covers = matching(pattern)
    for (const other of all) if (other !== pattern && covers(other)) covered.add(other)
  }
  return all.filter((pattern) => !covered.has(pattern))
}
