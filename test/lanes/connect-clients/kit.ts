/** What the lane's tests have in common. */
import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { type Call, signedCalls } from '../../e2e/calls.ts'
import { type Millrace, startConnect } from '../../server/millrace-process.ts'
import { type Client, clientOf } from '../kafka-clients/client.ts'
import { installJava, installPython, javaArgs, nodeProgram, source } from '../kafka-clients/install.ts'
import type { Command } from '../kafka-clients/program.ts'
import { credentials, region } from '../localstack/stack.ts'

export const rest = (): Call => signedCalls(inject('deployment').url, credentials, region)

export const awsEnvironment = {
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_REGION: region,
}

/** `millrace connect` as a user starts it. `port`: 0 for any. */
export function connect(url: string, port = 0): Promise<Millrace> {
  const args = [url, '--region', region, '--longest-pause', '500']
  return startConnect(port === 0 ? args : [...args, '--port', `${port}`], awsEnvironment)
}

/** A new topic, made through the REST API. */
export async function newTopic(partitions: number, configs: readonly { name: string; value: string }[] = []) {
  const topic = `t-${randomUUID()}`
  const call = rest()
  // The cast: the contract's answer.
  const { data } = (await call('GET', '/v3/clusters')).body as { data: { cluster_id: string }[] }
  const made = await call('POST', `/v3/clusters/${data[0]?.cluster_id}/topics`, {
    headers: { 'content-type': 'application/json' },
    body: { topic_name: topic, partitions_count: partitions, configs },
  })
  if (made.status !== 201) throw new Error(`${made.status} ${made.text}`)
  return topic
}

const commands = {
  librdkafka: async () => ({ file: await installPython(), args: [source('python', 'librdkafka.py')] }),
  java: async () => ({ file: 'java', args: [...javaArgs(await installJava()), 'JavaClient'] }),
  kafkajs: () => nodeProgram('kafkajs.mjs'),
} satisfies { readonly [name: string]: () => Promise<Command> }

export type Name = keyof typeof commands

export const client = async (name: Name, broker: string): Promise<Client> => clientOf(await commands[name](), broker)
