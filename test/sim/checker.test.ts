import { expect, test } from 'vitest'
import { check } from '../../sim/checker.ts'
import {
  acked,
  bounds,
  byTime,
  commit,
  commitAcked,
  committed,
  deleted,
  failed,
  final,
  from,
  history,
  read,
  readFailed,
  type Step,
  sent,
  type Told,
  unknown,
} from './histories.ts'

type Case = { readonly name: string; readonly when: string; readonly broken: Step[]; readonly sound: Step[] }

/** `a` and `b` write, `r` and `s` read. */
const cases: Case[] = [
  {
    name: 'lost-acknowledged',
    when: 'an acknowledged batch is not in the final log; the deletion of its topic excuses that',
    broken: [sent('a', 'x'), acked('a', 'x', 0), final('')],
    sound: [sent('a', 'x'), acked('a', 'x', 0), deleted('a'), final('')],
  },
  {
    name: 'lost-acknowledged',
    when: 'the log begins after an acknowledged batch that nobody removed; a batch never acknowledged may be absent',
    broken: [sent('a', 'x'), acked('a', 'x', 0), final('', { logStart: 1, end: 1 })],
    sound: [sent('a', 'x'), unknown('a', 'x'), final('')],
  },
  {
    name: 'lost-acknowledged',
    when: 'it was acknowledged before the final log was read, not after',
    broken: [sent('a', 'x'), acked('a', 'x', 0), final('')],
    sound: [sent('a', 'x'), final(''), acked('a', 'x', 0)],
  },
  {
    name: 'duplicate',
    when: 'an acknowledged value stands at two offsets; two reads of one offset are no duplicate',
    broken: [sent('a', 'x'), acked('a', 'x', 0), final('x x')],
    sound: [sent('a', 'x'), acked('a', 'x', 0), read('r', 0, 'x'), read('s', 0, 'x'), final('x')],
  },
  {
    name: 'duplicate',
    when: 'a retry is acknowledged at another offset than the first attempt; at the same one it is right',
    broken: [sent('a', 'x'), acked('a', 'x', 0), sent('a', 'x', { attempt: '2' }), acked('a', '2', 1)],
    sound: [sent('a', 'x'), acked('a', 'x', 0), sent('a', 'x', { attempt: '2' }), acked('a', '2', 0), final('x')],
  },
  {
    name: 'two-values-at-one-offset',
    when: 'two appends are acknowledged at one offset; side by side they are right',
    broken: [sent('a', 'x'), sent('b', 'y'), acked('a', 'x', 0), acked('b', 'y', 0)],
    sound: [sent('a', 'x'), sent('b', 'y'), acked('a', 'x', 1), acked('b', 'y', 0), final('y x')],
  },
  {
    name: 'two-values-at-one-offset',
    when: 'a reader saw another value than the final log holds; values of unknown outcome may be seen and stay',
    broken: [sent('a', 'x'), unknown('a', 'x'), sent('a', 'y'), unknown('a', 'y'), read('r', 0, 'x'), final('y')],
    sound: [sent('a', 'x'), unknown('a', 'x'), sent('a', 'y'), unknown('a', 'y'), read('r', 0, 'x'), final('x')],
  },
  {
    name: 'acked-elsewhere',
    when: 'a record lies at another offset than its acknowledgement said; a reader may see it before its writer is told',
    broken: [sent('a', 'x'), sent('b', 'y'), read('r', 0, 'x y'), acked('a', 'x', 1)],
    sound: [sent('a', 'x'), sent('b', 'y'), read('r', 0, 'x y'), acked('a', 'x', 0), final('x y')],
  },
  {
    name: 'visible-after-definite-failure',
    when: 'a failed append is seen, even before it was answered; with a retry of unknown outcome it may be',
    broken: [sent('a', 'x'), read('r', 0, 'x'), failed('a', 'x'), final('x')],
    sound: [
      ...[sent('a', 'x'), failed('a', 'x')],
      ...[sent('a', 'x', { attempt: '2' }), unknown('a', '2'), read('r', 0, 'x'), final('x')],
    ],
  },
  {
    name: 'unknown-seen-twice',
    when: 'an append of unknown outcome is there twice; once is right',
    broken: [sent('a', 'x'), unknown('a', 'x'), final('x x')],
    sound: [sent('a', 'x'), unknown('a', 'x'), final('x')],
  },
  {
    name: 'torn-batch',
    when: 'only a part of a batch is in the log; the whole one is right',
    broken: [sent('a', 'x1 x2'), unknown('a', 'x1'), sent('b', 'y'), unknown('b', 'y'), final('x1 y')],
    sound: [sent('a', 'x1 x2'), unknown('a', 'x1'), sent('b', 'y'), unknown('b', 'y'), final('x1 x2 y')],
  },
  {
    name: 'torn-batch',
    when: 'another record lies inside a batch; a read may begin and end inside of one',
    broken: [sent('a', 'x1 x2'), sent('b', 'y'), final('x1 y x2')],
    sound: [sent('a', 'x1 x2'), sent('b', 'y'), read('r', 0, 'x1', 2), read('r', 1, 'x2'), final('x1 x2 y')],
  },
  {
    name: 'torn-batch',
    when: 'a batch is in another order than sent, or lacks its beginning',
    broken: [sent('a', 'x1 x2'), unknown('a', 'x1'), final('x2 x1')],
    sound: [sent('a', 'x1 x2'), unknown('a', 'x1'), final('x1 x2')],
  },
  {
    name: 'torn-batch',
    when: 'an end lies inside a batch',
    broken: [sent('a', 'x1 x2'), unknown('a', 'x1'), bounds('r', 0, 1), final('x1 x2')],
    sound: [sent('a', 'x1 x2'), unknown('a', 'x1'), bounds('r', 0, 2), final('x1 x2')],
  },
  {
    name: 'torn-batch',
    when: 'two reads see its parts apart',
    broken: [sent('a', 'x1 x2'), read('r', 0, 'x1', 2), read('s', 2, 'x2')],
    sound: [sent('a', 'x1 x2'), read('r', 0, 'x1', 2), read('s', 1, 'x2')],
  },
  {
    name: 'torn-batch',
    when: 'only its second record is there',
    broken: [sent('a', 'x1 x2'), sent('b', 'y'), final('y x2')],
    sound: [sent('a', 'x1 x2'), sent('b', 'y'), final('y')],
  },
  {
    name: 'torn-batch',
    when: 'only its first record is there',
    broken: [sent('a', 'x1 x2'), final('x1')],
    sound: [sent('a', 'x1 x2'), final('x1 x2')],
  },
  {
    name: 'never-sent',
    when: 'a value is read that nobody sent',
    broken: [read('r', 0, 'x')],
    sound: [sent('a', 'x'), read('r', 0, 'x'), final('x')],
  },
  {
    name: 'never-sent',
    when: 'a value is read in another partition than it was sent to',
    broken: [sent('a', 'x', { partition: 1 }), unknown('a', 'x'), read('r', 0, 'x')],
    sound: [sent('a', 'x', { partition: 1 }), unknown('a', 'x'), read('r', 0, '')],
  },
  {
    name: 'visible-before-sent',
    when: 'a value is read before it is sent; before it is acknowledged it may be',
    broken: [read('r', 0, 'x'), sent('a', 'x'), acked('a', 'x', 0)],
    sound: [sent('a', 'x'), read('r', 0, 'x'), acked('a', 'x', 0), final('x')],
  },
  {
    name: 'offsets-gap',
    when: 'the final log leaves an offset out',
    broken: [sent('a', 'x'), sent('b', 'y'), final('', { records: [...from(0, 'x'), ...from(2, 'y')], end: 3 })],
    sound: [sent('a', 'x'), sent('b', 'y'), final('x y')],
  },
  {
    name: 'offsets-gap',
    when: 'the final log ends before its end',
    broken: [sent('a', 'x'), final('x', { end: 2 })],
    sound: [sent('a', 'x'), final('x', { end: 1 })],
  },
  {
    name: 'end-went-back',
    when: 'a reader that has seen an end sees a lesser one later; one whose call may be older than the end is excused',
    broken: [sent('a', 'x'), acked('a', 'x', 0), bounds('r', 0, 1), bounds('r', 0, 0), final('x')],
    sound: [sent('a', 'x'), acked('a', 'x', 0), bounds('r', 0, 1), bounds('s', 0, 0), final('x')],
  },
  {
    name: 'end-went-back',
    when: "an append was acknowledged to another client before the reader's previous event; after it, proves nothing",
    broken: [sent('a', 'x'), acked('a', 'x', 0), committed('r', null), bounds('r', 0, 0)],
    sound: [sent('a', 'x'), committed('r', null), acked('a', 'x', 0), bounds('r', 0, 0), final('x')],
  },
  {
    name: 'end-went-back',
    when: 'one answer holds records beyond its own end',
    broken: [sent('a', 'x'), read('r', 0, 'x', 0), final('x')],
    sound: [sent('a', 'x'), read('r', 0, 'x', 1), final('x')],
  },
  {
    name: 'start-went-back',
    when: 'a start is less than one known before',
    broken: [bounds('r', 2, 2), bounds('r', 1, 2)],
    sound: [bounds('r', 1, 2), bounds('r', 2, 2)],
  },
  {
    name: 'skipped-read',
    when: 'a read begins after the offset asked for',
    broken: [sent('a', 'x'), sent('b', 'y'), read('r', 0, '', 2), final('x y')].map(([client, event]) => [
      client,
      event.kind === 'read' ? { ...event, records: from(1, 'y') } : event,
    ]),
    sound: [sent('a', 'x'), sent('b', 'y'), read('r', 1, 'y', 2), final('x y')],
  },
  {
    name: 'skipped-read',
    when: 'a read is empty before an end known to it; before one it cannot know it may be',
    broken: [sent('r', 'x'), acked('r', 'x', 0), read('r', 0, '', 0), final('x')],
    sound: [sent('a', 'x'), acked('a', 'x', 0), read('r', 0, '', 0), final('x')],
  },
  {
    name: 'skipped-read',
    when: 'a read is empty before the end it reports itself',
    broken: [sent('a', 'x'), unknown('a', 'x'), read('r', 0, '', 1), final('x')],
    sound: [sent('a', 'x'), unknown('a', 'x'), read('r', 1, '', 1), final('x')],
  },
  {
    name: 'out-of-order-read',
    when: 'a read returns a lesser offset after a greater one',
    broken: [sent('a', 'x'), sent('b', 'y'), final('', { records: [...from(0, 'x'), ...from(0, 'y')], end: 2 })],
    sound: [sent('a', 'x'), sent('b', 'y'), final('y x')],
  },
  {
    name: 'read-failed',
    when: 'an offset that is in the log cannot be read; beyond the end it may fail',
    broken: [sent('r', 'x'), acked('r', 'x', 0), readFailed('r', 0), final('x')],
    sound: [sent('r', 'x'), acked('r', 'x', 0), readFailed('r', 2), final('x')],
  },
  {
    name: 'read-failed',
    when: 'the offset still is in the log; where the topic is deleted it may fail',
    broken: [sent('r', 'x'), acked('r', 'x', 0), readFailed('r', 0)],
    sound: [sent('r', 'x'), acked('r', 'x', 0), readFailed('r', 0), deleted('a')],
  },
  {
    name: 'read-failed',
    when: 'a read at the very end fails',
    broken: [sent('r', 'x'), acked('r', 'x', 0), readFailed('r', 1)],
    sound: [sent('r', 'x'), acked('r', 'x', 0), read('r', 1, '')],
  },
  {
    name: 'unread',
    when: 'the patient reader cannot reach the end',
    broken: [sent('a', 'x'), acked('a', 'x', 0), final('', { end: 1, complete: false })],
    sound: [sent('a', 'x'), acked('a', 'x', 0), final('x')],
  },
  {
    name: 'append-fails-for-ever',
    when: 'the last append fails',
    broken: [final('', { appendable: false })],
    sound: [final('')],
  },
  {
    name: 'orphans',
    when: 'blobs are left that nothing names',
    broken: [['last', { kind: 'orphans', count: 1 }]],
    sound: [['last', { kind: 'orphans', count: 0 }]],
  },
  {
    name: 'contradictions',
    when: 'what the stores hold does not hang together',
    broken: [['last', { kind: 'verified', contradictions: ['orders-0: a hole from 3 to 5'] }]],
    sound: [['last', { kind: 'verified', contradictions: [] }]],
  },
  {
    name: 'committed-went-back',
    when: 'a commit that was acknowledged is forgotten; one of unknown outcome may never show',
    broken: [commit('r', 1), commitAcked('r', 'c1'), commit('r', 2), commitAcked('r', 'c2'), committed('r', 1)],
    sound: [commit('r', 1), commitAcked('r', 'c1'), commit('r', 2), committed('r', 1), committed('r', 2)],
  },
  {
    name: 'committed-went-back',
    when: 'an offset of unknown outcome was seen and is gone; an older answer to another client is excused',
    broken: [commit('r', 1), committed('r', 1), committed('r', null)],
    sound: [commit('r', 1), committed('r', 1), committed('s', null)],
  },
  {
    name: 'committed-went-back',
    when: 'a lesser offset shows that was committed before the greater one, not after',
    broken: [commit('r', 1), commit('r', 2), commitAcked('r', 'c2'), committed('r', 1)],
    sound: [commit('r', 2), commitAcked('r', 'c2'), commit('r', 1), committed('r', 1)],
  },
  {
    name: 'committed-went-back',
    when: 'one client commits ever greater offsets; a rival may overtake it',
    broken: [commit('s', 1), commit('s', 2), commitAcked('s', 'c2'), committed('s', 1)],
    sound: [commit('r', 1), commit('s', 2), commitAcked('s', 'c2'), committed('s', 1)],
  },
  {
    name: 'committed-invented',
    when: 'a committed offset was sent by nobody',
    broken: [commit('r', 1), commitAcked('r', 'c1'), committed('r', 2)],
    sound: [commit('r', 1), committed('r', 1)],
  },
  {
    name: 'by-time-wrong',
    when: 'a lookup passes over a record late enough',
    broken: [timed('a', 'x', 10), acked('a', 'x', 0), timed('b', 'y', 20), acked('b', 'y', 1), byTime('r', 5, 1)],
    sound: [timed('a', 'x', 10), acked('a', 'x', 0), timed('b', 'y', 20), acked('b', 'y', 1), byTime('r', 5, 0)],
  },
  {
    name: 'by-time-wrong',
    when: 'the record found is too early',
    broken: [timed('a', 'x', 10), acked('a', 'x', 0), timed('b', 'y', 20), acked('b', 'y', 1), byTime('r', 15, 0)],
    sound: [timed('a', 'x', 10), acked('a', 'x', 0), timed('b', 'y', 20), acked('b', 'y', 1), byTime('r', 15, 1)],
  },
  {
    name: 'by-time-wrong',
    when: 'nothing is found where a late enough record was known; one it could not know of may be missed',
    broken: [timed('r', 'x', 10), acked('r', 'x', 0), byTime('r', 10, -1)],
    sound: [timed('a', 'x', 10), acked('a', 'x', 0), byTime('r', 10, -1)],
  },
  {
    name: 'order-of-acks',
    when: 'what was sent after an acknowledgement lies before it; what was sent before it may',
    broken: [sent('a', 'x'), acked('a', 'x', 1), sent('a', 'y'), acked('a', 'y', 0)],
    sound: [sent('b', 'y'), sent('a', 'x'), acked('a', 'x', 1), acked('b', 'y', 0), final('y x')],
  },
]

function timed(client: string, values: string, timestampMs: number): Step {
  return sent(client, values, { timestampMs })
}

test.each(cases)('$name: $when', ({ name, broken, sound }) => {
  expect(check(history(...sound))).toEqual([])
  const shown = check(history(...broken)).filter((anomaly) => anomaly.name === name)
  expect(shown.length).toBe(1)
  for (const event of shown[0]?.events ?? []) expect(history(...broken)).toContainEqual(event)
})

test('one call about several partitions knows no more in its second answer than in its first', () => {
  const [client, event] = bounds('r', 0, 0)
  const two = history(sent('a', 'x'), acked('a', 'x', 0), [client, { ...event, partition: 1 } as Told], [client, event])
  expect(check(two).map(({ name }) => name)).toEqual(['end-went-back'])
  expect(check(two.map((one) => ({ ...one, atMs: 0 })))).toEqual([])
})

test('what lies beyond the last readable record is unread, not lost', () => {
  const stuck = final('x', { end: 2, complete: false })
  const found = check(history(sent('a', 'x'), acked('a', 'x', 0), sent('a', 'y'), acked('a', 'y', 1), stuck))
  expect(found.map(({ name }) => name)).toEqual(['unread'])
})

test('a promise broken a hundred times for one batch is told once', () => {
  const reads = Array.from({ length: 100 }, () => read('r', 0, 'x'))
  const found = check(history(sent('a', 'x'), failed('a', 'x'), ...reads))
  expect(found.map(({ name }) => name)).toEqual(['visible-after-definite-failure'])
})

test('a recorder that contradicts itself is told so', () => {
  expect(() => check(history(acked('a', 'x', 0)))).toThrow('never sent')
  expect(() => check(history(sent('a', 'x'), sent('a', 'x y', { attempt: '2' })))).toThrow('two batches')
})
