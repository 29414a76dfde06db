/** Configs as Kafka's wire describes them. */
import { describeConfigs as topicConfigs } from '../log/topic-configs.ts'
import type { Topic } from '../log/topics.ts'
import { brokerConfigs } from '../runtime/broker-configs.ts'
import type { Settings } from '../runtime/settings.ts'

/** `ConfigResource.Type`; the others have no configs here. */
export const resourceTypes = { topic: 2, broker: 4 } as const

/** `ConfigSource` */
const sources = { topic: 1, brokerFile: 4, default: 5 } as const
/** `ConfigType` */
const types = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const

export type ConfigEntry = {
  readonly name: string
  readonly value: string
  readonly readOnly: boolean
  readonly configSource: number
  readonly isSensitive: boolean
  readonly configType: number
  readonly documentation: string
  readonly synonyms: readonly { readonly name: string; readonly value: string; readonly source: number }[]
}

type Described = {
  readonly name: string
  readonly value: string
  readonly defaultValue: string
  readonly isDefault: boolean
  readonly type: keyof typeof types
  readonly documentation: string
}

export const topicConfigEntries = (topic: Pick<Topic, 'overrides'>): ConfigEntry[] =>
  topicConfigs(topic).map((config) => entry(config, sources.topic, false))

/** They are set where Millrace is deployed. */
export const brokerConfigEntries = (settings: Settings): ConfigEntry[] =>
  brokerConfigs(settings).map((config) => entry(config, sources.brokerFile, true))

function entry(config: Described, source: number, readOnly: boolean): ConfigEntry {
  const { name, value, defaultValue, isDefault, type, documentation } = config
  const fallback = { name, value: defaultValue, source: sources.default }
  return {
    name,
    value,
    readOnly,
    configSource: isDefault ? sources.default : source,
    isSensitive: false,
    configType: types[type],
    documentation,
    synonyms: isDefault ? [fallback] : [{ name, value, source }, fallback],
  }
}
