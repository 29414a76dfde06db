import { lambdaHandler } from '../http/lambda.ts'
import { allRoutes } from '../http/routes.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Core } from '../runtime/core.ts'
import { freshMemory } from '../runtime/memory.ts'
import type { Settings } from '../runtime/settings.ts'
import { systemRandom } from '../runtime/system.ts'
import type { Stores } from '../store/stores.ts'
import type { Handlers } from './respond.ts'

/** Every function of the deployment, in one process over one core: they share its cache and wake each other's readers. */
export function localHandlers({ items, objects }: Stores, clock: Clock, settings: Settings): Handlers {
  const core: Core = {
    items,
    objects,
    clock,
    random: systemRandom,
    settings,
    memory: freshMemory(settings.cacheBytes),
  }
  const open = async () => core
  return {
    produce: lambdaHandler('produce', allRoutes.produce, open),
    fetch: lambdaHandler('fetch', allRoutes.fetch, open),
    commit: lambdaHandler('commit', allRoutes.commit, open),
    topics: lambdaHandler('topics', allRoutes.topics, open),
  }
}
