import { lambdaHandler } from '../http/lambda.ts'
import { allRoutes } from '../http/routes.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Core } from '../runtime/core.ts'
import { freshMemory } from '../runtime/memory.ts'
import type { Settings } from '../runtime/settings.ts'
import { systemRandom } from '../runtime/system.ts'
import type { Stores } from '../store/stores.ts'
import type { Handlers } from './respond.ts'

/** One core for everything that runs in this process: they share its cache and wake each other's readers. */
export const localCore = ({ items, objects }: Stores, clock: Clock, settings: Settings): Core => ({
  items,
  objects,
  clock,
  random: systemRandom,
  settings,
  memory: freshMemory(settings.cacheBytes),
})

/** Every function of the deployment that has routes. */
export function localHandlers(core: Core): Handlers {
  const open = async () => core
  return {
    produce: lambdaHandler('produce', allRoutes.produce, open),
    fetch: lambdaHandler('fetch', allRoutes.fetch, open),
    commit: lambdaHandler('commit', allRoutes.commit, open),
    topics: lambdaHandler('topics', allRoutes.topics, open),
    groups: lambdaHandler('groups', allRoutes.groups, open),
    kafka: lambdaHandler('kafka', allRoutes.kafka, open),
  }
}
