/** A record as v3 takes it: `{"partition_id", "headers", "key": {"type", "data"}, "value": {"type", "data"}, "timestamp"}`. */
import * as v from 'valibot'
import type { RecordHeader } from '../../protocol/records/record.ts'
import { fromBase64, requireShape, wholeNumber } from '../body.ts'
import { HttpError } from '../errors.ts'
import { children, compactText } from '../json-text.ts'

const types = ['BINARY', 'JSON', 'STRING'] as const
type DataType = (typeof types)[number]

/** A key or value: its type is told again in the answer. */
export type SentData = { readonly type: DataType; readonly bytes: Uint8Array | null }

export type SentRecord = {
  readonly partition: number | undefined
  readonly headers: readonly RecordHeader[]
  readonly key: SentData | undefined
  readonly value: SentData | undefined
  /** Absent: now. */
  readonly timestampMs: number | undefined
}

const data = v.strictObject({ type: v.nullish(v.string()), data: v.optional(v.unknown()) })
const timestamp = v.pipe(
  v.string(),
  v.regex(
    /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/,
    'must be a time of ISO 8601, such as 2021-02-05T19:14:42Z',
  ),
  v.transform((text) => Date.parse(text)),
  v.number('must be a time of ISO 8601, such as 2021-02-05T19:14:42Z'),
  v.minValue(0, 'must not lie before 1970'),
)

export const recordFields = {
  partition_id: v.nullish(v.pipe(wholeNumber, v.maxValue(2 ** 31 - 1, 'is larger than any partition'))),
  headers: v.nullish(v.array(v.strictObject({ name: v.string(), value: v.nullish(v.string()) }))),
  key: v.nullish(data),
  value: v.nullish(data),
  timestamp: v.nullish(timestamp),
}
const record = v.strictObject(recordFields)
const entry = v.strictObject({ id: v.string(), ...recordFields })

/**
 * Reads one record; `text` is the very text of `parsed`, from which JSON data is taken as it was written. `as`: an entry of a batch
 * has an `id` besides. 422 for another shape, 400 for data that is not what its type says.
 */
export function readRecord(parsed: unknown, text: string, as: 'record' | 'entry'): SentRecord {
  const sent = as === 'record' ? requireShape(record, parsed) : requireShape(entry, parsed)
  const texts = dataTexts(text)
  return {
    partition: sent.partition_id ?? undefined,
    headers: (sent.headers ?? []).map(({ name, value }, at) => ({
      key: name,
      value: value == null ? null : fromBase64(value, `headers.${at}.value`),
    })),
    key: readData(sent.key, texts.key, 'key'),
    value: readData(sent.value, texts.value, 'value'),
    timestampMs: sent.timestamp ?? undefined,
  }
}

function readData(
  sent: v.InferOutput<typeof data> | null | undefined,
  text: string | undefined,
  place: string,
): SentData | undefined {
  if (sent == null) return undefined
  const { type: name, data: value } = sent
  if (name == null && value == null) return undefined
  const type = types.find((each) => each === name)
  if (type === undefined) {
    const schemas = ['AVRO', 'JSONSCHEMA', 'PROTOBUF'].includes(name ?? '')
    const reason = schemas ? ' (it needs a schema registry, and there is none)' : ''
    throw new HttpError('constraint', `${place}.type: must be one of ${types.join(', ')}${reason}`)
  }
  if (value == null) return { type, bytes: null }
  if (type === 'BINARY') return { type, bytes: fromBase64(value, `${place}.data`) }
  if (type === 'JSON') return { type, bytes: Buffer.from(text ?? JSON.stringify(value)) }
  if (typeof value !== 'string') throw new HttpError('malformed', `${place}.data is not a string.`)
  return { type, bytes: Buffer.from(value) }
}

/** The text of `data` in key and value. Of a name given twice the last counts, as it does to JSON.parse. */
function dataTexts(text: string): { key?: string; value?: string } {
  const texts: { key?: string; value?: string } = {}
  for (const { name, start } of children(text, 0)) {
    if ((name !== 'key' && name !== 'value') || text[start] !== '{') continue
    for (const member of children(text, start)) {
      if (member.name === 'data') texts[name] = compactText(text, member.start, member.end)
    }
  }
  return texts
}
