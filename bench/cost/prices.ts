/**
 * What AWS charges in us-east-1, in dollars, as its price pages said in November 2026. Look again before publishing a figure:
 * https://aws.amazon.com/dynamodb/pricing/on-demand/, https://aws.amazon.com/s3/pricing/,
 * https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/api-gateway/pricing/.
 */
export const dollars = {
  /** DynamoDB on demand, standard table class. */
  aMillionWriteUnits: 0.625,
  aMillionReadUnits: 0.125,
  /** S3 Standard. */
  aMillionPuts: 5,
  aMillionGets: 0.4,
  /** Lambda on arm64. */
  aMillionInvocations: 0.2,
  aGigabyteSecond: 0.0000133334,
  /** API Gateway; a function URL is free. */
  aMillionHttpApiCalls: 1,
} as const
