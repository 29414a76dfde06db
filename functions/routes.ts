/**
 * Which function answers which call. Data only: the CDK construct makes API Gateway's routes from it, the local server matches
 * requests with it, and a test holds the functions' own route maps to it. Keys are HTTP API route keys.
 */
export const functionNames = ['produce', 'fetch', 'commit', 'topics'] as const
export type FunctionName = (typeof functionNames)[number]

const instance = '/consumers/{group}/instances/{instance}'
const cluster = '/v3/clusters/{cluster}'

export const routes = {
  produce: ['POST /topics/{topic}', 'POST /topics/{topic}/partitions/{partition}'],
  fetch: ['GET /topics/{topic}/partitions/{partition}/records', `GET ${instance}/records`],
  commit: [
    'POST /consumers/{group}',
    `DELETE ${instance}`,
    `GET ${instance}/subscription`,
    `POST ${instance}/subscription`,
    `DELETE ${instance}/subscription`,
    `GET ${instance}/assignments`,
    `POST ${instance}/assignments`,
    `POST ${instance}/positions`,
    `POST ${instance}/positions/beginning`,
    `POST ${instance}/positions/end`,
    `GET ${instance}/offsets`,
    `POST ${instance}/offsets`,
  ],
  topics: [
    'GET /',
    'GET /brokers',
    'GET /topics',
    'GET /topics/{topic}',
    'GET /topics/{topic}/partitions',
    'GET /topics/{topic}/partitions/{partition}',
    'GET /topics/{topic}/partitions/{partition}/offsets',
    'GET /v3/clusters',
    `GET ${cluster}`,
    `GET ${cluster}/topics`,
    `POST ${cluster}/topics`,
    `GET ${cluster}/topics/{topic}`,
    `DELETE ${cluster}/topics/{topic}`,
  ],
} as const satisfies Record<FunctionName, readonly string[]>
