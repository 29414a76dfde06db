/**
 * Which function answers which call. Data only: the CDK construct makes API Gateway's routes from it, the local server matches
 * requests with it, and a test holds the functions' own route maps to it. Keys are HTTP API route keys.
 */
export const functionNames = ['produce', 'fetch', 'commit', 'topics', 'groups', 'kafka'] as const
export type FunctionName = (typeof functionNames)[number]

/** Functions that nobody calls: a schedule does. */
export const scheduledNames = ['maintain'] as const
export type ScheduledName = (typeof scheduledNames)[number]

const instance = '/consumers/{group}/instances/{instance}'
const cluster = '/v3/clusters/{cluster}'
const group = `${cluster}/consumer-groups/{group}` as const

export const routes = {
  produce: [
    'POST /topics/{topic}',
    'POST /topics/{topic}/partitions/{partition}',
    `POST ${cluster}/topics/{topic}/records`,
    // `records:batch` and `configs:alter`: a colon is only certain to be let through in a parameter's value.
    `POST ${cluster}/topics/{topic}/{verb}`,
  ],
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
    'GET /openapi.json',
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
    `PATCH ${cluster}/topics/{topic}`,
    `GET ${cluster}/topics/-/configs`,
    `GET ${cluster}/topics/{topic}/configs`,
    `GET ${cluster}/topics/{topic}/configs/{name}`,
    `PUT ${cluster}/topics/{topic}/configs/{name}`,
    `DELETE ${cluster}/topics/{topic}/configs/{name}`,
    `GET ${cluster}/topics/{topic}/partitions`,
    `GET ${cluster}/topics/{topic}/partitions/{partition}`,
    `GET ${cluster}/topics/{topic}/partitions/{partition}/offset`,
    `GET ${cluster}/broker-configs`,
    `GET ${cluster}/broker-configs/{name}`,
    `PUT ${cluster}/broker-configs/{name}`,
    `DELETE ${cluster}/broker-configs/{name}`,
    `POST ${cluster}/{verb}`,
  ],
  groups: [
    `GET ${cluster}/consumer-groups`,
    `GET ${group}`,
    `GET ${group}/consumers`,
    `GET ${group}/consumers/{consumer}`,
    `GET ${group}/consumers/{consumer}/assignments`,
    `GET ${group}/consumers/{consumer}/assignments/{topic}/partitions/{partition}`,
    `GET ${group}/lag-summary`,
    `GET ${group}/lags`,
    `GET ${group}/lags/{topic}/partitions/{partition}`,
  ],
  kafka: ['POST /kafka'],
} as const satisfies Record<FunctionName, readonly string[]>
