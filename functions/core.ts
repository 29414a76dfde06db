import type { Core } from '../src/runtime/core.ts'
import { freshMemory } from '../src/runtime/memory.ts'
import { defaultSettings, type Settings } from '../src/runtime/settings.ts'
import { systemClock, systemRandom } from '../src/runtime/system.ts'
import { openAws } from '../src/store/aws/open.ts'
import { StoreError } from '../src/store/errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The core over the table and bucket that the function's environment names: MILLRACE_TABLE and MILLRACE_BUCKET, and optionally
 * MILLRACE_AUTO_CREATE_TOPICS (`true` or `false`), MILLRACE_DEFAULT_PARTITIONS, MILLRACE_MAX_PARTITIONS and
 * MILLRACE_OFFSETS_RETENTION_MINUTES.
 * @throws StoreError misconfigured, naming the variable.
 */
export async function coreFromEnvironment(environment: Environment = process.env): Promise<Core> {
  const settings = settingsFrom(environment)
  const table = required(environment, 'MILLRACE_TABLE')
  const bucket = required(environment, 'MILLRACE_BUCKET')
  const { stores, clock } = openAws({ table, bucket, clock: systemClock })
  const { items, objects } = stores
  return { items, objects, clock, random: systemRandom, settings, memory: freshMemory(settings.cacheBytes) }
}

/** The settings that the environment changes, checked. */
export function settingsFrom(environment: Environment): Settings {
  return {
    ...defaultSettings,
    autoCreateTopics: flag(environment, 'MILLRACE_AUTO_CREATE_TOPICS', defaultSettings.autoCreateTopics),
    defaultPartitions: count(environment, 'MILLRACE_DEFAULT_PARTITIONS', defaultSettings.defaultPartitions),
    maxPartitions: count(environment, 'MILLRACE_MAX_PARTITIONS', defaultSettings.maxPartitions),
    offsetsRetentionMinutes: count(
      environment,
      'MILLRACE_OFFSETS_RETENTION_MINUTES',
      defaultSettings.offsetsRetentionMinutes,
    ),
  }
}

function required(environment: Environment, name: string): string {
  const value = environment[name]
  if (value) return value
  throw new StoreError('misconfigured', `the environment variable ${name} is not set`)
}

function flag(environment: Environment, name: string, fallback: boolean): boolean {
  const value = environment[name]
  if (value === undefined || value === '') return fallback
  if (value === 'true' || value === 'false') return value === 'true'
  throw new StoreError('misconfigured', `the environment variable ${name} must be true or false, not ${value}`)
}

function count(environment: Environment, name: string, fallback: number): number {
  const value = environment[name]
  if (value === undefined || value === '') return fallback
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value)
  throw new StoreError('misconfigured', `the environment variable ${name} must be a whole number above 0, not ${value}`)
}
