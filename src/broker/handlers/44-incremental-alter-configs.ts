/**
 * Key 44, IncrementalAlterConfigs v0–1 (KIP-339): of a topic, all changes or none. Brokers' configs are not altered here.
 */
import { alterTopicConfigs, type ConfigChanges } from '../../log/alter-topic.ts'
import { configType, configValue, type TopicConfigs } from '../../log/topic-configs.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { ApiHandler } from '../handler.ts'
import { namedTopic } from '../named-topics.ts'
import { alterEach, altered, requireValue } from './config-resource.ts'

type Config = RequestOf<'incrementalAlterConfigs'>['resources'][number]['configs'][number]

const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export const incrementalAlterConfigs: ApiHandler<'incrementalAlterConfigs'> = {
  async handle(broker, caller, { resources, validateOnly }) {
    const responses = await alterEach(broker, caller, resources, async (name, { configs }) => {
      const topic = await namedTopic(broker, name)
      const changes = (overrides: TopicConfigs): ConfigChanges =>
        Object.fromEntries(configs.map((config) => [config.name, changed(overrides, config)]))
      await alterTopicConfigs(broker.core, topic.name, changes, { validateOnly })
    })
    return { responses }
  },
  failed: ({ resources }, error) => ({ responses: resources.map((resource) => altered(resource, error)) }),
}

/** Null: back to the default. */
function changed(overrides: TopicConfigs, config: Config): string | null {
  const { name, configOperation } = config
  switch (configOperation) {
    case operations.set:
      return requireValue(config)
    case operations.delete:
      return null
    case operations.append: {
      const [listed, more] = [listIn(overrides, config), partsOf(requireValue(config))]
      return [...listed, ...more.filter((part) => !listed.includes(part))].join(',')
    }
    case operations.subtract: {
      const less = partsOf(requireValue(config))
      return listIn(overrides, config)
        .filter((part) => !less.includes(part))
        .join(',')
    }
    default:
      throw new KafkaError('INVALID_REQUEST', `${name} has no operation ${configOperation}`)
  }
}

function listIn(overrides: TopicConfigs, { name }: Config): string[] {
  const type = configType(name)
  if (type === undefined) throw new KafkaError('INVALID_CONFIG', `Unknown topic config name: ${name}`)
  if (type === 'list') return partsOf(configValue(overrides, name))
  throw new KafkaError('INVALID_CONFIG', `Can't append to or subtract from ${name}: its type is not LIST`)
}

const partsOf = (list: string): string[] => list.split(',').flatMap((part) => part.trim() || [])
