import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { functionNames, routes, scheduledNames } from '../../functions/routes.ts'
import { allRoutes } from '../../src/http/routes.ts'

test.each(functionNames)('the function %s answers exactly the routes that are deployed for it', async (name) => {
  const module = await import(`../../functions/${name}.ts`)
  expect(typeof module.handler).toBe('function')
  expect(Object.keys(module.routes).sort()).toEqual([...routes[name]].sort())
  expect(Object.keys(allRoutes[name]).sort()).toEqual([...routes[name]].sort())
})

test('every function is a file of its own name', () => {
  const others = ['access.ts', 'core.ts', 'grants.ts', 'routes.ts', 'start-again.ts']
  const files = readdirSync(new URL('../../functions', import.meta.url)).filter((name) => !others.includes(name))
  expect(files.sort()).toEqual([...functionNames, ...scheduledNames].map((name) => `${name}.ts`).sort())
})
