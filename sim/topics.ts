/** Whoever creates and deletes topics: asks again until it is known what became of it. */
import type { TopicConfigs } from '../src/log/topic-configs.ts'
import { createTopic, deleteTopic, findTopic } from '../src/log/topics.ts'
import { KafkaError } from '../src/protocol/errors.ts'
import { ask, type Client, pause, type World } from './client.ts'

/** The id of the topic that bears the name then. */
export async function create(
  world: Pick<World, 'time' | 'cluster' | 'history'>,
  admin: Pick<Client, 'name' | 'chance'>,
  name: string,
  partitions: number,
  configs: TopicConfigs,
): Promise<string> {
  const nobody = { topic: name, topicId: '', partitions, paddings: [0] as const, recordsMax: 1, untilMs: 0 }
  const client: Client = { ...admin, world: { ...world, ...nobody } }
  for (;;) {
    const made = await ask(client, (core) => createTopic(core, { name, partitions, configs }))
    if ('value' in made) return made.value.id
    const found = isNamed(made, 'TOPIC_ALREADY_EXISTS') ? await ask(client, (core) => findTopic(core, name)) : undefined
    if (found && 'value' in found && found.value) return found.value.id
    await pause(world.time, 1_000)
  }
}

/** Deletes the topic of the client's world, and only that. */
export async function remove(client: Client): Promise<void> {
  const { time, topic, topicId } = client.world
  for (;;) {
    const gone = await ask(client, (core) => deleteTopic(core, topic, topicId))
    if ('value' in gone || isNamed(gone, 'UNKNOWN_TOPIC_OR_PARTITION')) return
    await pause(time, 1_000)
  }
}

const isNamed = (answer: object, error: KafkaError['error']): boolean =>
  'error' in answer && answer.error instanceof KafkaError && answer.error.error === error
