/** The schedule beside the clients: it fires now and then, twice at once sometimes, and its servers die and sleep as all others. */
import { maintain } from '../src/maintenance/maintain.ts'
import { KafkaError } from '../src/protocol/errors.ts'
import { StoreError } from '../src/store/errors.ts'
import { ask, type Client, pause } from './client.ts'

const budgetMs = 20_000

/** One run by whatever server is up; throws what is no trouble of the stores. */
export async function fire(client: Client): Promise<void> {
  const answer = await ask(client, (core) => maintain(core, { budgetMs }))
  if (!('value' in answer)) return
  const { groups, jobs, partitions } = answer.value
  for (const { error } of [groups, jobs, partitions]) {
    if (error && !(error instanceof StoreError) && !(error instanceof KafkaError)) throw error
  }
}

/** Runs until `done`, with pauses of at most so long. */
export async function keepUp(client: Client, longestPauseMs: () => number, done: () => boolean): Promise<void> {
  const { world, chance } = client
  while (!done()) {
    await Promise.all(chance.happens(0.3) ? [fire(client), fire(client)] : [fire(client)])
    await pause(world.time, chance.between(0, longestPauseMs()))
  }
}

/** After everything healed: all that is due is done, and cleaned up after. */
export async function catchUp(client: Client): Promise<void> {
  for (const afterMs of [0, 2, 11, 11].map((minutes) => minutes * 60_000)) {
    await pause(client.world.time, afterMs)
    await fire(client)
  }
}
