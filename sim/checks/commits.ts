/**
 * Committed offsets of a group and partition: only what somebody sent, and never less than what was known to be committed before
 * the question was asked, be it by an acknowledged commit or by an earlier answer. A commit of unknown outcome may or may not
 * show; once seen, it stays.
 *
 * An offset lower than one sent before may be committed on purpose: it may show. Rivals overtake each other: where several clients
 * commit for one group and partition, only forgetting is judged.
 */
import type { Anomaly, Event } from '../history.ts'
import { type Bound, type Facts, type Kind, knownAt } from './facts.ts'
import { reports, text } from './reports.ts'

/** `rewinds`: offsets sent after a greater one. */
type Chain = {
  readonly sent: Set<number>
  readonly rewinds: Set<number>
  readonly known: Bound[]
  readonly clients: Set<string>
  greatest: number
}

export function checkCommits(facts: Facts): readonly Anomaly[] {
  const found = reports()
  const chains = new Map<string, Chain>()
  const sends = new Map<string, { readonly sent: Kind<'commit-sent'>; readonly chain: Chain }>()
  for (const [at, event] of facts.history.entries()) {
    if (event.kind === 'commit-sent') {
      sends.set(sendKey(event), { sent: event, chain: send(chainOf(chains, event), event) })
    } else if (event.kind === 'commit-acked') {
      const send = sends.get(sendKey(event))
      if (!send) throw new Error(`the history answers commit ${event.attempt}, which it never sent`)
      know(send.chain, send.sent.offset, event, at)
    } else if (event.kind === 'committed') {
      const chain = chainOf(chains, event)
      const name = `the offset of ${event.group} in ${text(event)}`
      if (event.offset !== null && !chain.sent.has(event.offset)) {
        found.add('committed-invented', event, `${name} is ${event.offset}, which nobody had committed`, [event])
      }
      const known = knownAt(chain.known, facts.beganAfter(at))
      if (known && (event.offset ?? -1) < known.offset && !isExcused(chain, event.offset)) {
        const what = `${name} was ${event.offset ?? 'none'} after it had been ${known.offset}`
        found.add('committed-went-back', event, what, [known.event, event])
      }
      if (event.offset !== null) know(chain, event.offset, event, at)
    }
  }
  return found.all()
}

function chainOf(chains: Map<string, Chain>, event: Kind<'commit-sent'> | Kind<'committed'>): Chain {
  const key = JSON.stringify([event.group, event.topicId, event.partition])
  const chain = chains.get(key) ?? { sent: new Set(), rewinds: new Set(), known: [], clients: new Set(), greatest: -1 }
  chains.set(key, chain)
  return chain
}

const sendKey = ({ client, attempt }: { client: string; attempt: string }) => JSON.stringify([client, attempt])

const isExcused = ({ clients, rewinds }: Chain, offset: number | null): boolean =>
  offset !== null && (clients.size > 1 || rewinds.has(offset))

function send(chain: Chain, event: Kind<'commit-sent'>): Chain {
  if (event.offset < chain.greatest) chain.rewinds.add(event.offset)
  chain.greatest = Math.max(chain.greatest, event.offset)
  chain.sent.add(event.offset)
  chain.clients.add(event.client)
  return chain
}

function know({ known }: Chain, offset: number, event: Event, at: number): void {
  if (offset > (known.at(-1)?.offset ?? -1)) known.push({ at, offset, event })
}
