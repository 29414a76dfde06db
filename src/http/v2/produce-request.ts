import * as v from 'valibot'
import type { NewRecord } from '../../protocol/records/batch.ts'
import { bodyText, fromBase64, parseJson, requireShape, wholeNumber } from '../body.ts'
import { HttpError } from '../errors.ts'
import { children, compactText } from '../json-text.ts'
import { producedRecordsMax } from '../limits.ts'
import { type EmbeddedFormat, producedFormat } from '../media-types.ts'
import type { HttpRequest } from '../request.ts'

/** A record as the caller sent it; without a partition the key decides, or chance. `timestampMs`: absent = now. */
export type ProducedRecord = Omit<NewRecord, 'timestampMs'> & {
  readonly timestampMs: number | undefined
  readonly partition: number | undefined
}

const header = v.strictObject({ key: v.string(), value: v.nullish(v.string()) })

const recordFields = {
  key: v.optional(v.unknown()),
  value: v.optional(v.unknown()),
  timestamp: v.nullish(wholeNumber),
  headers: v.nullish(v.array(header)),
}

/** Of no use to json and binary, but clients send them all the same. */
const schemaFields = {
  key_schema: v.optional(v.unknown()),
  key_schema_id: v.optional(v.unknown()),
  value_schema: v.optional(v.unknown()),
  value_schema_id: v.optional(v.unknown()),
}

const requestOf = <T extends v.GenericSchema>(record: T) =>
  v.strictObject({ records: v.pipe(v.array(record), v.minLength(1, 'must not be empty')), ...schemaFields })

const plain = v.strictObject(recordFields)
const withPartition = v.strictObject({ ...recordFields, partition: v.nullish(wholeNumber) })
const shapes = { topic: requestOf(withPartition), partition: requestOf(plain) }

type SentRecord = v.InferOutput<typeof withPartition>

/**
 * Reads a produce body. `to`: whether its records may name partitions. 415 wrong type, 400 bad JSON or base64, 422 wrong shape,
 * no records, or an unknown field, 413 too many records.
 */
export function readProduceRequest(request: HttpRequest, to: 'topic' | 'partition'): ProducedRecord[] {
  const format = producedFormat(request)
  const text = bodyText(request)
  const { records } = requireShape(shapes[to], parseJson(text))
  if (records.length > producedRecordsMax) {
    throw new HttpError('tooLarge', `One call takes at most ${producedRecordsMax} records.`)
  }
  const parts = format === 'json' ? jsonParts(text) : []
  return records.map((record: SentRecord, index) => {
    const place = `records.${index}`
    return {
      ...keyAndValue(format, record, parts[index], place),
      headers: (record.headers ?? []).map(({ key, value }, at) => ({
        key,
        value: value == null ? null : fromBase64(value, `${place}.headers.${at}.value`),
      })),
      timestampMs: record.timestamp ?? undefined,
      partition: record.partition ?? undefined,
    }
  })
}

type Parts = { readonly key?: string; readonly value?: string }

function keyAndValue(format: EmbeddedFormat, record: SentRecord, parts: Parts | undefined, place: string) {
  if (format === 'binary') {
    return { key: decoded(record.key, `${place}.key`), value: decoded(record.value, `${place}.value`) }
  }
  return { key: encoded(record.key, parts?.key), value: encoded(record.value, parts?.value) }
}

const decoded = (value: unknown, place: string): Uint8Array | null => (value == null ? null : fromBase64(value, place))

const encoded = (value: unknown, text: string | undefined): Uint8Array | null =>
  value == null || text === undefined ? null : Buffer.from(text)

/** The keys and values of all records as text. Of a name given twice the last counts, as it does to JSON.parse. */
function jsonParts(text: string): Parts[] {
  let records = 0
  for (const member of children(text, 0)) if (member.name === 'records') records = member.start
  return Array.from(children(text, records), ({ start }) => {
    const parts: { key?: string; value?: string } = {}
    for (const { name, start: from, end } of children(text, start)) {
      if (name === 'key' || name === 'value') parts[name] = compactText(text, from, end)
    }
    return parts
  })
}
