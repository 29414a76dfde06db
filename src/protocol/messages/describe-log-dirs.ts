import { message, response } from '../codec/message.ts'
import { array, bool, int16, int32, int64, nullable, or, since, string, struct } from '../codec/schema.ts'

/** Key 35. KIP-113; v3 an error for the whole; v4 sizes of volumes (KIP-827). */
export const describeLogDirsRequest = message('DescribeLogDirsRequest', [1, 4], 2, {
  topics: nullable(array(struct({ topic: string, partitions: array(int32) }))),
})

export const describeLogDirsResponse = response('DescribeLogDirsResponse', [1, 4], 2, {
  throttleTimeMs: or(0, int32),
  errorCode: since(3, int16),
  results: array(
    struct({
      errorCode: int16,
      logDir: string,
      topics: array(
        struct({
          name: string,
          partitions: array(
            struct({ partitionIndex: int32, partitionSize: int64, offsetLag: int64, isFutureKey: bool }),
          ),
        }),
      ),
      totalBytes: since(4, or(-1, int64)),
      usableBytes: since(4, or(-1, int64)),
    }),
  ),
})
