/**
 * Some time after the last change all brokers say the same: every partition is led by one that lives, and by it alone; a group has
 * one coordinator. And what an idempotent producer numbered stands in the log in that order.
 */
import type { BrokerLook } from '../broker-events.ts'
import type { Anomaly } from '../history.ts'
import type { Facts, Kind } from './facts.ts'
import { type Reports, reports, text } from './reports.ts'

export function checkBrokers(facts: Facts): readonly Anomaly[] {
  const found = reports()
  for (const event of facts.history) {
    if (event.kind === 'brokers-final') checkAgreement(event, found)
    if (event.kind === 'next-refused') {
      const what = `${event.producer} was told in ${text(event)} that ${event.sequence} does not come next, though all before it was acknowledged`
      found.add('next-refused', event.producer, what, [event])
    }
    if (event.kind === 'final') checkSequences(facts, event, found)
  }
  return found.all()
}

function checkAgreement(event: Kind<'brokers-final'>, found: Reports): void {
  const { brokers, partitions, group } = event
  const [first] = brokers
  if (!first) {
    found.add('no-broker', event, 'no broker lives', [event])
    return
  }
  const living = new Set(brokers.map(({ node }) => node))
  for (let partition = 0; partition < partitions; partition++) {
    const where = text({ topicId: event.topicId, partition })
    const says = (one: BrokerLook) => one.told.find((told) => told.partition === partition)
    const [ours, other] = [says(first), brokers.find((one) => !isSame(says(one), says(first)))]
    if (other) {
      const [a, b] = [JSON.stringify(ours), JSON.stringify(says(other))]
      found.add('brokers-disagree', event, `${where}: ${first.host} says ${a}, ${other.host} ${b}`, [event])
    }
    if (!ours || !living.has(ours.leader)) {
      found.add('unled', event, `${where} is led by ${ours?.leader ?? 'nobody'}, who does not live`, [event])
    }
    const leading = brokers.filter(({ leads }) => leads.includes(partition))
    if (leading.length !== 1 || leading[0]?.node !== ours?.leader) {
      const hosts = leading.map(({ host }) => host).join(' and ') || 'nobody'
      found.add('not-one-leader', event, `${hosts} answers for ${where}, led by ${ours?.leader}`, [event])
    }
  }
  const coordinating = brokers.filter(({ coordinates }) => coordinates)
  const told = new Set(brokers.map(({ coordinator }) => coordinator))
  if (coordinating.length !== 1 || told.size !== 1 || !told.has(coordinating[0]?.node ?? -1)) {
    const hosts = coordinating.map(({ host }) => host).join(' and ') || 'nobody'
    const what = `${hosts} takes requests for ${group}, coordinated by ${[...told].join(' and by ')}`
    found.add('not-one-coordinator', event, what, [event])
  }
}

type Told = BrokerLook['told'][number]
const isSame = (a: Told | undefined, b: Told | undefined): boolean => a?.leader === b?.leader && a?.epoch === b?.epoch

function checkSequences(facts: Facts, event: Kind<'final'>, found: Reports): void {
  const last = new Map<string, number>()
  for (const { offset, value } of event.records) {
    const origin = facts.origins.get(value)
    const sent = origin?.batch.attempts[0].sent
    if (!origin || sent?.producer === undefined || sent.sequence === undefined) continue
    const number = sent.sequence + origin.ordinal
    const due = (last.get(sent.producer) ?? -1) + 1
    if (number !== due) {
      const what = `${value} at ${offset} has number ${number} of ${sent.producer}, and ${due} comes next in ${text(event)}`
      found.add('out-of-sequence', sent.producer, what, [sent, event])
    }
    last.set(sent.producer, number)
  }
}
