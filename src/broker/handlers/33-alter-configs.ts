/** Key 33, AlterConfigs v0–2: makes these the only configs of a topic. Brokers' configs are not altered here. */
import { replaceTopicConfigs } from '../../log/alter-topic.ts'
import type { ApiHandler } from '../handler.ts'
import { namedTopic } from '../named-topics.ts'
import { alterEach, altered, requireValue } from './config-resource.ts'

export const alterConfigs: ApiHandler<'alterConfigs'> = {
  async handle(broker, caller, { resources, validateOnly }) {
    const responses = await alterEach(broker, caller, resources, async (name, { configs }) => {
      const wanted = Object.fromEntries(configs.map((config) => [config.name, requireValue(config)]))
      const topic = await namedTopic(broker, name)
      await replaceTopicConfigs(broker.core, topic.name, wanted, { validateOnly })
    })
    return { responses }
  },
  failed: ({ resources }, error) => ({ responses: resources.map((resource) => altered(resource, error)) }),
}
