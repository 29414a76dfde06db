import { type FunctionName, functionNames, routes } from '../../functions/routes.ts'

/** Which function answers, as API Gateway would tell it. Path parameters are percent-decoded. */
export type Match = {
  readonly function: FunctionName
  readonly routeKey: string
  readonly pathParameters: Readonly<Record<string, string>>
}

export type NoMatch =
  | { readonly status: 400 }
  | { readonly status: 404 }
  | { readonly status: 405; readonly allow: readonly string[] }

type Route = {
  readonly function: FunctionName
  readonly routeKey: string
  readonly method: string
  readonly segments: readonly string[]
}

const isParameter = (segment: string) => segment.startsWith('{')
const literals = (route: Route) => route.segments.filter((segment) => !isParameter(segment)).length

/** The routes to match with, most literal path first, as API Gateway prefers them. */
export const tableOf = (routesOf: Readonly<Record<FunctionName, readonly string[]>>): readonly Route[] =>
  functionNames
    .flatMap((name) =>
      routesOf[name].map((routeKey) => {
        const [method = '', path = ''] = routeKey.split(' ')
        return { function: name, routeKey, method, segments: path.split('/') }
      }),
    )
    .sort((a, b) => literals(b) - literals(a))

const deployed = tableOf(routes)

/** Finds the route of `rawPath` (still percent-encoded, no query). 404: no such path; 405: not with this method. */
export function matchRoute(method: string, rawPath: string, table = deployed): Match | NoMatch {
  const segments = rawPath.split('/')
  const samePath = table.filter((route) => fits(route.segments, segments))
  if (samePath.length === 0) return { status: 404 }
  const route = samePath.find((candidate) => candidate.method === method)
  if (!route) return { status: 405, allow: samePath.map((candidate) => candidate.method) }
  const pathParameters: Record<string, string> = {}
  for (const [at, segment] of route.segments.entries()) {
    if (!isParameter(segment)) continue
    const value = decoded(segments[at] ?? '')
    if (value === undefined) return { status: 400 }
    pathParameters[segment.slice(1, -1)] = value
  }
  return { function: route.function, routeKey: route.routeKey, pathParameters }
}

function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, at) => (isParameter(part) ? segments[at] !== '' : part === segments[at]))
  )
}

/** `undefined`: the percent-encoding is malformed. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
