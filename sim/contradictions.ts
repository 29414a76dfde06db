/** After everything healed: `millrace verify --deep` finds nothing wrong, in any world. */
import { verify } from '../src/verify/verify.ts'
import { ask, type Client, note, pause } from './client.ts'

const triesMax = 10
const againMs = 1_000

export async function lookForContradictions(client: Client): Promise<void> {
  for (let tries = 0; tries < triesMax; tries++) {
    const lines: string[] = []
    const answer = await ask(client, (core) => verify(core, { deep: true, found: (line) => lines.push(line) }))
    if ('value' in answer) return note(client, { kind: 'verified', contradictions: lines })
    await pause(client.world.time, againMs)
  }
  throw new Error('a healed cluster cannot be verified')
}
