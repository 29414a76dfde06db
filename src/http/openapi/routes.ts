import { requireJsonAccepted } from '../media-types.ts'
import type { RouteHandlers } from '../request.ts'

/** The document is loaded when somebody asks for it: no other call pays for it. */
export const openApiRoutes = {
  'GET /openapi.json': async (_core, request) => {
    requireJsonAccepted(request)
    const { openApiDocument } = await import('./document.ts')
    const body = JSON.stringify(openApiDocument(request.origin))
    return { status: 200, headers: { 'content-type': 'application/json' }, body }
  },
} satisfies RouteHandlers
