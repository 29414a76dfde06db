import { message, response } from '../codec/message.ts'
import { array, bool, ignorable, int16, int32, int64, or, since, string, struct, tagged } from '../codec/schema.ts'

/**
 * Key 18. v3 the client's software (KIP-511), features (KIP-584); v4 allows features from version 0. The answer to a version
 * that is not known is v0, and its header stays v0 always: the client knows nothing yet.
 */
export const apiVersionsRequest = message('ApiVersionsRequest', [0, 4], 3, {
  clientSoftwareName: ignorable(since(3, string)),
  clientSoftwareVersion: ignorable(since(3, string)),
})

export const apiVersionsResponse = response('ApiVersionsResponse', [0, 4], 3, {
  errorCode: int16,
  apiKeys: array(struct({ apiKey: int16, minVersion: int16, maxVersion: int16 })),
  throttleTimeMs: since(1, int32),
  supportedFeatures: tagged(0, 3, array(struct({ name: string, minVersion: int16, maxVersion: int16 }))),
  finalizedFeaturesEpoch: tagged(1, 3, or(-1, int64)),
  finalizedFeatures: tagged(2, 3, array(struct({ name: string, maxVersionLevel: int16, minVersionLevel: int16 }))),
  zkMigrationReady: tagged(3, 3, bool),
})
