/** Topics made and removed through the HTTP API. */
import { inject } from 'vitest'

/** Resolves when it can be produced to. */
export async function newTopic(name: string, partitions: number): Promise<void> {
  await asked('POST', '', 201, { topic_name: name, partitions_count: partitions })
}

async function asked(method: string, path: string, status: number, body: object): Promise<void> {
  const url = inject('millraceUrl')
  const clusters = await fetch(`${url}/v3/clusters`)
  // The cast: the contract's answer.
  const { data } = (await clusters.json()) as { data: { cluster_id: string }[] }
  const response = await fetch(`${url}/v3/clusters/${data[0]?.cluster_id}/topics${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (response.status !== status) throw new Error(`${response.status} ${await response.text()}`)
}
