import { type MaintenanceReport, maintain } from '../../src/maintenance/maintain.ts'
import type { Core } from '../../src/runtime/core.ts'
import { newWorld } from '../groups/kit.ts'

export const minuteMs = 60_000
export const dayMs = 24 * 60 * minuteMs

/** A world in which a run of the maintenance takes no time by itself. */
export function newMaintainedWorld(settings: Parameters<typeof newWorld>[0] = {}) {
  const world = newWorld(settings)
  const core = world.server()
  return {
    ...world,
    core,
    run: (by: Core = core): Promise<MaintenanceReport> => world.during(maintain(by, { budgetMs: minuteMs })),
    /** Lets so much time pass, and then one pass be made over everything. */
    async runAfter(ms: number): Promise<MaintenanceReport['groups']> {
      await world.pass(ms)
      return (await world.during(maintain(core, { budgetMs: minuteMs }))).groups
    },
  }
}

/** Everything that is left under partition keys that begin with one of these. */
export async function rowsOf(core: Core, ...pks: readonly string[]): Promise<string[]> {
  const rows = await Promise.all(pks.map((pk) => core.items.query({ pk, limit: 1_000 })))
  return rows.flatMap((found, at) => found.map(({ sk }) => `${pks[at]} ${sk}`))
}
