/**
 * The custom resource that writes grants at deployment: CloudFormation calls it for each grantee, before the grantee's policy is
 * made, and again before it goes.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 */
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { untilDeadline } from '../log/retry.ts'
import type { Core } from '../runtime/core.ts'
import { removeGrants, writeGrants } from './grants.ts'
import { principalNamed } from './principal.ts'

/** What we read of CloudFormation's request. In its properties every scalar is text. */
export type GrantsEvent = {
  readonly RequestType: 'Create' | 'Update' | 'Delete'
  readonly ResponseURL: string
  readonly StackId: string
  readonly RequestId: string
  readonly LogicalResourceId: string
  readonly PhysicalResourceId?: string | undefined
  readonly ResourceProperties: Readonly<Record<string, unknown>>
}

const properties = v.object({
  account: v.string(),
  kind: v.picklist(['role', 'user']),
  name: v.string(),
  produce: v.optional(v.array(v.string()), []),
  consume: v.optional(v.array(v.object({ group: v.string(), topic: v.string() })), []),
  admin: v.picklist(['true', 'false']),
})

/** How long to go on while the store is in trouble: both writes may be repeated. */
const patienceMs = 20_000

/**
 * Does what CloudFormation asks for, and tells it how that went. It may ask twice for the same. A grantee that changes its name
 * gets a new resource (the physical id is the principal), and the old one is asked to go afterwards.
 */
export function grantsResource(openCore: () => Promise<Core>): (event: GrantsEvent) => Promise<void> {
  return async (event) => {
    const { StackId, RequestId, LogicalResourceId, PhysicalResourceId = 'not-made' } = event
    const asked = { StackId, RequestId, LogicalResourceId }
    try {
      const principal = await carryOut(await openCore(), event)
      await answer(event.ResponseURL, { ...asked, Status: 'SUCCESS', PhysicalResourceId: principal })
    } catch (error) {
      const Reason = error instanceof Error ? error.message.slice(0, 1_000) : 'Unknown error'
      await answer(event.ResponseURL, { ...asked, Status: 'FAILED', PhysicalResourceId, Reason })
    }
  }
}

/** A removal names the principal as a creation does: CloudFormation sends the properties that the resource had. */
async function carryOut(core: Core, event: GrantsEvent): Promise<string> {
  const { account, kind, name, produce, consume, admin } = v.parse(properties, event.ResourceProperties)
  const principal = principalNamed(account, kind, name)
  const source = sourceOf(event)
  const write = () =>
    event.RequestType === 'Delete'
      ? removeGrants(core, principal, source)
      : writeGrants(core, principal, source, { produce, consume, admin: admin === 'true' })
  await untilDeadline(core, core.clock.uptime() + patienceMs, write)
  return principal
}

/** Who grants: this resource of this stack. Another one's grants to the same principal stay untouched. */
const sourceOf = ({ StackId, LogicalResourceId }: GrantsEvent): string =>
  createHash('sha256').update(`${StackId} ${LogicalResourceId}`).digest('hex').slice(0, 16)

async function answer(url: string, body: Readonly<Record<string, string>>): Promise<void> {
  // The URL is signed for no content type; bytes are sent without one.
  const response = await fetch(url, { method: 'PUT', body: Buffer.from(JSON.stringify(body)) })
  if (!response.ok) throw new Error(`CloudFormation did not take the answer: HTTP ${response.status}`)
}
