/**
 * CloudWatch's embedded metric format, written by hand: an `_aws` member that names which other members of the line are metrics
 * (why not a library: docs/decisions/0006-request-log.md).
 */
type Unit = 'Count' | 'Milliseconds' | 'Bytes'

const units = {
  Requests: 'Count',
  Errors: 'Count',
  Throttles: 'Count',
  Retries: 'Count',
  UnknownOutcomes: 'Count',
  Latency: 'Milliseconds',
  BacklogAge: 'Milliseconds',
  GroupsLooked: 'Count',
  RemovedMembers: 'Count',
  ExpiredOffsets: 'Count',
  RemovedInstances: 'Count',
  FinishedJobs: 'Count',
  RemovedEntries: 'Count',
  DeletedBytes: 'Bytes',
  RolledBytes: 'Bytes',
  CompactedBytes: 'Bytes',
  RolledSegments: 'Count',
  DeletedBlobs: 'Count',
  BacklogBytes: 'Bytes',
  Failures: 'Count',
  RunTime: 'Milliseconds',
} as const satisfies Record<string, Unit>

export type MetricName = keyof typeof units

/** The CloudWatch namespace of every metric; the one dimension is `Function`, the Lambda function's name. */
const metricNamespace = 'Millrace'

/** Members to spread into a JSON log line, so that CloudWatch also counts it. An absent metric costs nothing. */
export function embeddedMetrics(
  functionName: string,
  timestampMs: number,
  values: Readonly<Partial<Record<MetricName, number>>>,
): Record<string, unknown> {
  const names = Object.keys(values) as MetricName[] // Object.keys forgets the key type that `values` has.
  return {
    _aws: {
      Timestamp: timestampMs,
      CloudWatchMetrics: [
        {
          Namespace: metricNamespace,
          Dimensions: [['Function']],
          Metrics: names.map((name) => ({ Name: name, Unit: units[name] })),
        },
      ],
    },
    Function: functionName,
    ...values,
  }
}
