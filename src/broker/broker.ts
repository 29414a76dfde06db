import { type ProducerIds, producerIds } from '../log/producer-ids.ts'
import type { Core } from '../runtime/core.ts'
import { type Appender, appendEach } from './appender.ts'
import type { ClusterView } from './cluster-view.ts'
import { type TopicNames, topicNames } from './topic-names.ts'

/** What every handler takes first. Made once a process. */
export type Broker = {
  readonly core: Core
  readonly view: ClusterView
  /** How Produce appends. */
  readonly append: Appender
  readonly producerIds: ProducerIds
  readonly topicNames: TopicNames
  /** Told of errors that no request should cause. */
  readonly report: (error: unknown) => void
}

export type BrokerParts = Pick<Broker, 'core' | 'view'> & Partial<Pick<Broker, 'append' | 'report'>>

export const newBroker = ({ core, view, append = appendEach(core), report = () => {} }: BrokerParts): Broker => ({
  core,
  view,
  append,
  producerIds: producerIds(core),
  topicNames: topicNames(core),
  report,
})
