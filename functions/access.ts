/**
 * What kind of thing each call is, for those who may do one kind and not another. Data only, beside the routes it classifies: a
 * test fails where a route has no class, so that no new one is opened, or closed, by chance.
 *
 *   produce    appends records to the topic in its URL
 *   consume    reads records, or does what a reader has to, of the topic or group in its URL
 *   describe   tells what there is; lists show only what the caller may see
 *   frame      whatever a Kafka frame asks for: opened to all who are granted anything, for the frame alone names what it touches,
 *              and the function holds each to its caller's grants
 *   admin      changes topics and configs, or tells how the deployment is set up: for those who may call every route
 *
 * Where the last segment is a `{verb}`, each of its values is a call of its own; no other value is answered.
 */
export type RouteClass = 'produce' | 'consume' | 'describe' | 'admin' | 'frame'
export type Verbs = Readonly<Record<string, RouteClass>>

const instance = '/consumers/{group}/instances/{instance}'
const cluster = '/v3/clusters/{cluster}'
const group = `${cluster}/consumer-groups/{group}`

export const routeClasses: Readonly<Record<string, RouteClass | Verbs>> = {
  'POST /topics/{topic}': 'produce',
  'POST /topics/{topic}/partitions/{partition}': 'produce',
  [`POST ${cluster}/topics/{topic}/records`]: 'produce',
  [`POST ${cluster}/topics/{topic}/{verb}`]: { 'records:batch': 'produce', 'configs:alter': 'admin' },

  'GET /topics/{topic}/partitions/{partition}/records': 'consume',
  'POST /consumers/{group}': 'consume',
  [`DELETE ${instance}`]: 'consume',
  [`GET ${instance}/records`]: 'consume',
  [`GET ${instance}/subscription`]: 'consume',
  [`POST ${instance}/subscription`]: 'consume',
  [`DELETE ${instance}/subscription`]: 'consume',
  [`GET ${instance}/assignments`]: 'consume',
  [`POST ${instance}/assignments`]: 'consume',
  [`POST ${instance}/positions`]: 'consume',
  [`POST ${instance}/positions/beginning`]: 'consume',
  [`POST ${instance}/positions/end`]: 'consume',
  [`GET ${instance}/offsets`]: 'consume',
  [`POST ${instance}/offsets`]: 'consume',

  'GET /': 'describe',
  'GET /openapi.json': 'describe',
  'GET /brokers': 'describe',
  'GET /topics': 'describe',
  'GET /topics/{topic}': 'describe',
  'GET /topics/{topic}/partitions': 'describe',
  'GET /topics/{topic}/partitions/{partition}': 'describe',
  'GET /topics/{topic}/partitions/{partition}/offsets': 'describe',
  'GET /v3/clusters': 'describe',
  [`GET ${cluster}`]: 'describe',
  [`GET ${cluster}/topics`]: 'describe',
  [`GET ${cluster}/topics/-/configs`]: 'describe',
  [`GET ${cluster}/topics/{topic}`]: 'describe',
  [`GET ${cluster}/topics/{topic}/configs`]: 'describe',
  [`GET ${cluster}/topics/{topic}/configs/{name}`]: 'describe',
  [`GET ${cluster}/topics/{topic}/partitions`]: 'describe',
  [`GET ${cluster}/topics/{topic}/partitions/{partition}`]: 'describe',
  [`GET ${cluster}/topics/{topic}/partitions/{partition}/offset`]: 'describe',
  [`GET ${cluster}/consumer-groups`]: 'describe',
  [`GET ${group}`]: 'describe',
  [`GET ${group}/consumers`]: 'describe',
  [`GET ${group}/consumers/{consumer}`]: 'describe',
  [`GET ${group}/consumers/{consumer}/assignments`]: 'describe',
  [`GET ${group}/consumers/{consumer}/assignments/{topic}/partitions/{partition}`]: 'describe',
  [`GET ${group}/lag-summary`]: 'describe',
  [`GET ${group}/lags`]: 'describe',
  [`GET ${group}/lags/{topic}/partitions/{partition}`]: 'describe',

  'POST /kafka': 'frame',

  [`POST ${cluster}/topics`]: 'admin',
  [`PATCH ${cluster}/topics/{topic}`]: 'admin',
  [`DELETE ${cluster}/topics/{topic}`]: 'admin',
  [`PUT ${cluster}/topics/{topic}/configs/{name}`]: 'admin',
  [`DELETE ${cluster}/topics/{topic}/configs/{name}`]: 'admin',
  [`GET ${cluster}/broker-configs`]: 'admin',
  [`GET ${cluster}/broker-configs/{name}`]: 'admin',
  [`PUT ${cluster}/broker-configs/{name}`]: 'admin',
  [`DELETE ${cluster}/broker-configs/{name}`]: 'admin',
  [`POST ${cluster}/{verb}`]: { 'broker-configs:alter': 'admin' },
}
