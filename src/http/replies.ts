import { answerType } from './media-types.ts'
import type { HttpReply, HttpRequest } from './request.ts'

/** A v2 management answer. */
export const json = (request: HttpRequest, value: unknown): HttpReply => ({
  status: 200,
  headers: { 'content-type': answerType(request) },
  body: JSON.stringify(value),
})

export const noContent: HttpReply = { status: 204 }
