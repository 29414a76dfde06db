import type { ApiName, RequestOf, ResponseOf } from '../protocol/apis.ts'
import type { KafkaError } from '../protocol/errors.ts'
import type { Broker } from './broker.ts'
import type { Caller } from './caller.ts'

/** One API: what its file in `handlers/` gives, and what `apis.ts` lists. */
export type ApiHandler<Name extends ApiName> = {
  /**
   * The answer, in one shape for all versions; undefined where the client wants none. `version` is only for what Kafka itself
   * answers differently. May throw KafkaError and StoreError, for `failed` to answer, and FrameError, to close the connection.
   */
  handle(
    broker: Broker,
    caller: Caller,
    request: RequestOf<Name>,
    version: number,
  ): Promise<ResponseOf<Name> | undefined>
  /** The answer to a request that failed as a whole: Kafka's `getErrorResponse`. */
  failed(request: RequestOf<Name>, error: KafkaError, version: number): ResponseOf<Name>
}

export type Handlers = { readonly [Name in ApiName]?: ApiHandler<Name> }
