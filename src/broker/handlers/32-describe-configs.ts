/**
 * Key 32, DescribeConfigs v1–4: topics, and brokers, of which all have the configs that Millrace was deployed with. There are no
 * dynamic defaults for all brokers (the empty name): nothing is listed there.
 */
import type { RequestOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { inParallel } from '../../runtime/parallel.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { brokerConfigEntries, type ConfigEntry, resourceTypes, topicConfigEntries } from '../config-entries.ts'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'
import { namedTopic } from '../named-topics.ts'
import { requireThisBroker } from './config-resource.ts'

type Request = RequestOf<'describeConfigs'>
type Resource = Request['resources'][number]

const resourcesAtOnce = 16

export const describeConfigs: ApiHandler<'describeConfigs'> = {
  async handle(broker, caller, request) {
    const results = await inParallel(resourcesAtOnce, request.resources, async (resource) => {
      try {
        const entries = await entriesOf(broker, caller, resource)
        return { ...identityOf(resource), errorCode: 0, errorMessage: null, configs: shown(entries, resource, request) }
      } catch (error) {
        return failedResource(resource, toKafkaError(error, broker.report))
      }
    })
    return { results }
  },
  failed: ({ resources }, error) => ({ results: resources.map((resource) => failedResource(resource, error)) }),
}

async function entriesOf(broker: Broker, { access }: Caller, resource: Resource): Promise<readonly ConfigEntry[]> {
  const { resourceType, resourceName: name } = resource
  switch (resourceType) {
    case resourceTypes.topic: {
      const visible = access ? await access.visibleTopics([{ name }]) : [{ name }]
      if (visible.length === 0) throw new KafkaError('TOPIC_AUTHORIZATION_FAILED', 'Topic authorization failed.')
      return topicConfigEntries(await namedTopic(broker, name))
    }
    case resourceTypes.broker:
      if (name === '') return []
      requireThisBroker(broker.view, name)
      return brokerConfigEntries(broker.core.settings)
    default:
      throw new KafkaError('INVALID_REQUEST', `resources of type ${resourceType} have no configs here`)
  }
}

const shown = (entries: readonly ConfigEntry[], { configurationKeys }: Resource, request: Request) =>
  entries
    .filter(({ name }) => !configurationKeys?.length || configurationKeys.includes(name))
    .map((entry) => ({
      ...entry,
      synonyms: request.includeSynonyms ? entry.synonyms : [],
      documentation: request.includeDocumentation ? entry.documentation : null,
    }))

const identityOf = ({ resourceType, resourceName }: Resource) => ({ resourceType, resourceName })

const failedResource = (resource: Resource, error: KafkaError) => ({
  ...identityOf(resource),
  errorCode: error.code,
  errorMessage: error.message,
  configs: [],
})
