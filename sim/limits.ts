import type { SceneName } from './scenes.ts'

/** What may be taken away from a run, to show the same with less. A run cut short is the same run up to there. */
export type Limits = {
  /** When clients stop, at the latest: simulated milliseconds after the topic was made. */
  readonly lengthMs?: number | undefined
  readonly producers?: number | undefined
  readonly readers?: number | undefined
  /** Not the scene that the seed draws, but one of these. */
  readonly scene?: SceneName | undefined
}
