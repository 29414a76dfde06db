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
  /** Appends of one partition, under way side by side, stand in the log in the order in which they were begun. */
  readonly appendsInOrder: boolean
  readonly producerIds: ProducerIds
  readonly topicNames: TopicNames
  /** Told of errors that no request should cause. */
  readonly report: (error: unknown) => void
}

export type BrokerParts = Pick<Broker, 'core' | 'view'> & Partial<Pick<Broker, 'append' | 'appendsInOrder' | 'report'>>

export const newBroker = ({
  core,
  view,
  append = appendEach(core),
  appendsInOrder = false,
  report = () => {},
}: BrokerParts): Broker => ({
  core,
  view,
  append,
  appendsInOrder,
  producerIds: producerIds(core),
  topicNames: topicNames(core),
  report,
})
