/** What a topic's configs say of how long its records stay (`cleanup.policy`, `retention.ms`, `retention.bytes`). */
import { configValue, type TopicConfigs } from './topic-configs.ts'

export type Retention = {
  /** Old records go, by time or by size. */
  readonly deletes: boolean
  /** Of records of one key only the newest stays. */
  readonly compacts: boolean
  /** How long after its timestamp a record goes (ms); `undefined`: never for its age. */
  readonly ms: number | undefined
  /** What a partition may hold (bytes); `undefined`: any. */
  readonly bytes: number | undefined
}

export function retentionOf(overrides: TopicConfigs): Retention {
  const policies = configValue(overrides, 'cleanup.policy')
    .split(',')
    .map((policy) => policy.trim())
  const deletes = policies.includes('delete')
  const limit = (name: string) => {
    const value = Number(configValue(overrides, name))
    return deletes && value >= 0 ? value : undefined
  }
  return {
    deletes,
    compacts: policies.includes('compact'),
    ms: limit('retention.ms'),
    bytes: limit('retention.bytes'),
  }
}
