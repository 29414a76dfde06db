import type { RequestOf } from '../protocol/apis.ts'
import { layout, viewOf } from '../protocol/records/header.ts'

const magicOfIds = 2

/** Whether every batch bears a producer's id and sequence: sent twice, it is appended once (KIP-98). */
export const isIdempotent = ({ topicData }: RequestOf<'produce'>): boolean =>
  topicData.every(({ partitionData }) =>
    partitionData.every(({ records }) => {
      if (!records || records.length < layout.records) return false
      const view = viewOf(records)
      return view.getInt8(layout.magic) === magicOfIds && view.getBigInt64(layout.producerId) >= 0n
    }),
  )
