import { expect, test } from 'vitest'
import type { BrokerLook } from '../../sim/broker-events.ts'
import { check } from '../../sim/checker.ts'
import { acked, final, history, type Step, sent, where } from './histories.ts'

const told = (by: string, leader: number, epoch: number, sentMs = 0): Step => [
  'c',
  { kind: 'leader-told', by, leader, epoch, sentMs, ...where },
]
type Led = { readonly from?: number; readonly attempt?: string; readonly sentMs?: number; readonly leaseMs?: number }
const led = (by: string, epoch: number, { from = epoch, attempt, sentMs = 0, leaseMs = 5 }: Led = {}): Step => [
  'c',
  {
    kind: 'led',
    ...{ by, node: Number(by.slice(1)), epochFrom: from, epochTo: epoch, sentMs, leaseMs },
    ...(attempt === undefined ? {} : { attempt }),
    ...where,
  },
]
const look = (node: number, more: Partial<BrokerLook> = {}): BrokerLook => ({
  ...{ host: `b${node}`, node, told: [{ partition: 0, leader: 1, epoch: 1 }], leads: node === 1 ? [0] : [] },
  ...{ coordinator: 2, coordinates: node === 2, ...more },
})
const finalLook = (...brokers: readonly BrokerLook[]): Step => [
  'looker',
  { kind: 'brokers-final', topicId: 't', group: 'g', partitions: 1, brokers },
]
const numbered = (values: string, sequence: number): Step => sent('a', values, { producer: 'p', sequence })
const refused: Step = ['a', { kind: 'next-refused', producer: 'p', sequence: 1, ...where }]

type Case = { readonly name: string; readonly when: string; readonly broken: Step[]; readonly sound: Step[] }
const cases: Case[] = [
  {
    name: 'two-leaders-in-an-epoch',
    when: 'two brokers are told to lead in one epoch; in two they may',
    broken: [told('b1', 1, 1), told('b2', 2, 1)],
    sound: [told('b1', 1, 1), told('b2', 2, 2)],
  },
  {
    name: 'two-leaders-in-an-epoch',
    when: 'two answer as leaders in one epoch; who changed its epoch meanwhile proves nothing',
    broken: [led('b1', 1), led('b2', 1)],
    sound: [led('b1', 1), led('b2', 2, { from: 1 })],
  },
  {
    name: 'leader-epoch-went-back',
    when: 'a broker tells of an older epoch than before; one that was asked before may have been slow',
    broken: [told('b1', 1, 2), told('b1', 2, 1, 1)],
    sound: [told('b1', 1, 2), told('b1', 2, 1, -1)],
  },
  {
    name: 'old-leader-answers',
    when: 'it answers in an epoch that was passed a lease ago; it may for a lease',
    broken: [led('b1', 1), told('b2', 2, 2), led('b1', 1, { sentMs: 6 })],
    sound: [led('b1', 1), told('b2', 2, 2), led('b1', 1, { sentMs: 5 })],
  },
  {
    name: 'appended-by-old-leader',
    when: 'an older leader appends behind a newer one; before it, it may',
    broken: [
      ...[sent('a', 'x'), sent('b', 'y')],
      ...[led('b2', 2, { attempt: 'x' }), acked('a', 'x', 0), led('b1', 1, { attempt: 'y' }), acked('b', 'y', 1)],
    ],
    sound: [
      ...[sent('a', 'x'), sent('b', 'y')],
      ...[led('b2', 2, { attempt: 'x' }), acked('a', 'x', 1), led('b1', 1, { attempt: 'y' }), acked('b', 'y', 0)],
      final('y x'),
    ],
  },
  {
    name: 'brokers-disagree',
    when: 'two brokers name two leaders when nothing changes any more',
    broken: [finalLook(look(1), look(2, { told: [{ partition: 0, leader: 2, epoch: 2 }] }))],
    sound: [finalLook(look(1), look(2))],
  },
  {
    name: 'unled',
    when: 'the leader does not live',
    broken: [finalLook(look(2))],
    sound: [finalLook(look(1), look(2))],
  },
  {
    name: 'not-one-leader',
    when: 'another answers beside the leader',
    broken: [finalLook(look(1), look(2, { leads: [0] }))],
    sound: [finalLook(look(1), look(2))],
  },
  {
    name: 'not-one-coordinator',
    when: 'two take requests for one group',
    broken: [finalLook(look(1, { coordinates: true }), look(2))],
    sound: [finalLook(look(1), look(2))],
  },
  {
    name: 'out-of-sequence',
    when: 'what a producer numbered stands in the log in another order',
    broken: [numbered('x', 0), numbered('y', 1), final('y x')],
    sound: [numbered('x', 0), numbered('y', 1), final('x y')],
  },
  {
    name: 'next-refused',
    when: 'a producer is told that what comes next does not',
    broken: [numbered('x', 0), refused],
    sound: [numbered('x', 0)],
  },
]

test.each(cases)('$name: $when', ({ name, broken, sound }) => {
  expect(check(history(...sound))).toEqual([])
  const shown = check(history(...broken)).filter((anomaly) => anomaly.name === name)
  expect(shown.length).toBe(1)
  for (const event of shown[0]?.events ?? []) expect(history(...broken)).toContainEqual(event)
})
