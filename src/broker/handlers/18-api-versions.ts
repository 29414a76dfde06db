/**
 * Key 18, ApiVersions v0–4. A version that is not known is answered in the shape of v0 with the versions of this API alone
 * (KIP-511). No features are finalized (KIP-584): there are neither transactions nor the consumer protocol of KIP-848 yet.
 */
import { apis } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { ApiRange } from '../apis.ts'
import type { ApiHandler } from '../handler.ts'

/** What the name and version of a client's software may look like. */
const software = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/

/** `advertised`: asked for with each request, for the table it is derived from names this handler too. */
export const apiVersions = (advertised: () => readonly ApiRange[]): ApiHandler<'apiVersions'> => ({
  async handle(_broker, _caller, { clientSoftwareName, clientSoftwareVersion }, version) {
    if (version >= 3 && !(software.test(clientSoftwareName) && software.test(clientSoftwareVersion))) {
      throw new KafkaError('INVALID_REQUEST', 'the name or version of the client software is malformed')
    }
    return { errorCode: 0, apiKeys: advertised() }
  },
  failed: (_request, error) => ({ errorCode: error.code, apiKeys: [] }),
})

export function unsupportedApiVersions() {
  const { key, versions } = apis.apiVersions
  const { code } = new KafkaError('UNSUPPORTED_VERSION', 'no such version of ApiVersions')
  return { errorCode: code, apiKeys: [{ apiKey: key, minVersion: versions[0], maxVersion: versions[1] }] }
}
