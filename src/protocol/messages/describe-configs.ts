import { message, response } from '../codec/message.ts'
import { array, bool, int8, int16, int32, nullable, or, since, string, struct } from '../codec/schema.ts'

/** Key 32. v1 synonyms (KIP-226); v3 types and documentation (KIP-569). */
export const describeConfigsRequest = message('DescribeConfigsRequest', [1, 4], 4, {
  resources: array(struct({ resourceType: int8, resourceName: string, configurationKeys: nullable(array(string)) })),
  includeSynonyms: or(false, bool),
  includeDocumentation: since(3, bool),
})

export const describeConfigsResponse = response('DescribeConfigsResponse', [1, 4], 4, {
  throttleTimeMs: or(0, int32),
  results: array(
    struct({
      errorCode: int16,
      errorMessage: nullable(string),
      resourceType: int8,
      resourceName: string,
      configs: array(
        struct({
          name: string,
          value: nullable(string),
          readOnly: bool,
          configSource: or(-1, int8),
          isSensitive: bool,
          synonyms: array(struct({ name: string, value: nullable(string), source: int8 })),
          configType: since(3, int8),
          documentation: since(3, nullable(string)),
        }),
      ),
    }),
  ),
})
