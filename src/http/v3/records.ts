/** POST …/topics/T/records: a stream of records in, a report for each out. …/records:batch: the same as one document. */
import * as v from 'valibot'
import { findTopic, type Topic, topicToProduceTo } from '../../log/topics.ts'
import type { Core } from '../../runtime/core.ts'
import { bodyText, parseJson, requireShape } from '../body.ts'
import { errorAnswer, HttpError } from '../errors.ts'
import { idempotencyOf } from '../idempotency.ts'
import { documents } from '../json-documents.ts'
import { children } from '../json-text.ts'
import { requireJsonAccepted, requireJsonBody } from '../media-types.ts'
import { type HttpReply, type HttpRequest, param, type RouteHandler } from '../request.ts'
import { requireTopicName } from '../topics.ts'
import { appendRecords, type RecordOutcome } from './append-records.ts'
import { requireCluster } from './cluster.ts'
import { readRecord, type SentData, type SentRecord } from './record-request.ts'

/** Reports have to fit into one reply. */
const recordsMax = 10_000
const idLengthMax = 80

/** What was read of one record, or why it could not be. */
type Read = { readonly record: SentRecord } | { readonly error: HttpError }

/** 200 whatever becomes of the records; one that is not JSON ends the stream, for nobody knows where the next begins. */
export const produceRecords: RouteHandler = async (core, request) => {
  requireJsonBody(request)
  requireJsonAccepted(request)
  const read = readStream(bodyText(request))
  const reports = await produce(core, request, read)
  const body = reports.map((report) => `${JSON.stringify(report)}\r\n`).join('')
  return reply(200, body, reports)
}

/** 207 with what became of each entry; 422 42208 for a batch that is none. */
export const produceBatch: RouteHandler = async (core, request) => {
  requireJsonBody(request)
  requireJsonAccepted(request)
  const { ids, read } = readEntries(bodyText(request))
  const reports = await produce(core, request, read)
  const successes: unknown[] = []
  const failures: unknown[] = []
  for (const [at, report] of reports.entries()) {
    const { error_code: code, ...rest } = report
    if (code === 200) successes.push({ id: ids[at], ...rest })
    else failures.push({ id: ids[at], error_code: code, ...rest })
  }
  return reply(207, JSON.stringify({ successes, failures }), reports)
}

function reply(status: number, body: string, reports: readonly Report[]): HttpReply {
  const failed = reports.find(({ error_code: code }) => code !== 200)?.error_code
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body,
    ...(failed === undefined ? {} : { partialErrorCode: failed }),
  }
}

function readStream(text: string): Read[] {
  const read: Read[] = []
  for (const { start, end } of documents(text)) {
    if (read.length === recordsMax) throw tooMany()
    const document = text.slice(start, end)
    let parsed: unknown
    try {
      parsed = parseJson(document)
    } catch (error) {
      if (!(error instanceof HttpError)) throw error
      read.push({ error })
      break
    }
    read.push(readOne(parsed, document, 'record'))
  }
  if (read.length === 0) throw new HttpError('payload', 'The body is empty: it must hold at least one record.')
  return read
}

const tooMany = () => new HttpError('tooLarge', `One call takes at most ${recordsMax} records.`)

function readOne(parsed: unknown, text: string, as: 'record' | 'entry'): Read {
  try {
    return { record: readRecord(parsed, text, as) }
  } catch (error) {
    if (error instanceof HttpError) return { error }
    throw error
  }
}

const batch = v.strictObject({ entries: v.array(v.looseObject({ id: v.string() })) })

function readEntries(text: string): { ids: readonly string[]; read: readonly Read[] } {
  const { entries } = requireShape(batch, parseJson(text))
  const ids = entries.map(({ id }) => id)
  if (entries.length === 0) throw new HttpError('batch', 'entries: must not be empty')
  if (entries.length > recordsMax) throw tooMany()
  if (ids.some((id) => id.length === 0 || id.length > idLengthMax)) {
    throw new HttpError('batch', `entries: an id has 1 to ${idLengthMax} characters`)
  }
  if (new Set(ids).size < ids.length) throw new HttpError('batch', 'entries: ids must differ')
  let list = 0
  for (const member of children(text, 0)) if (member.name === 'entries') list = member.start
  const texts = Array.from(children(text, list), ({ start, end }) => text.slice(start, end))
  return { ids, read: entries.map((entry, at) => readOne(entry, texts[at] ?? '', 'entry')) }
}

type Report = { readonly error_code: number; readonly [field: string]: unknown }

async function produce(core: Core, request: HttpRequest, read: readonly Read[]): Promise<readonly Report[]> {
  const idempotency = idempotencyOf(core, request)
  const name = requireTopicName(param(request, 'topic'))
  const cluster = await requireCluster(core, request)
  const records = read.flatMap((one) => ('record' in one ? [one.record] : []))
  const topic = await topicFor(core, name, records)
  const outcomes = records.length === 0 ? [] : await appendRecords(core, topic, records, idempotency)
  const next = outcomes.values()
  return read.map((one) => {
    if ('error' in one) return errorReport(one.error)
    const { value: outcome } = next.next()
    if (!outcome) throw new Error('a record was not answered')
    return 'error' in outcome ? errorReport(outcome.error) : successReport(cluster, topic, one.record, outcome)
  })
}

/** Looks again where this process knows too few partitions. */
async function topicFor(core: Core, name: string, records: readonly SentRecord[]): Promise<Topic> {
  const topic = await topicToProduceTo(core, name)
  const lacks = records.some(({ partition }) => partition !== undefined && partition >= topic.partitions)
  return (lacks && (await findTopic(core, name))) || topic
}

function errorReport(error: Error): Report {
  const { errorCode, message } = errorAnswer(error, 'v3')
  return { error_code: errorCode, message }
}

type Success = Exclude<RecordOutcome, { error: unknown }>

const successReport = (cluster: string, topic: Topic, { key, value }: SentRecord, outcome: Success): Report => ({
  error_code: 200,
  cluster_id: cluster,
  topic_name: topic.name,
  partition_id: outcome.partition,
  offset: outcome.offset,
  timestamp: new Date(outcome.timestampMs).toISOString().replace('.000Z', 'Z'),
  ...(key ? { key: dataReport(key) } : {}),
  ...(value ? { value: dataReport(value) } : {}),
})

const dataReport = ({ type, bytes }: SentData) => ({ type, size: bytes?.length ?? 0 })
