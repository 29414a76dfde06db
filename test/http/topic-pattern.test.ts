import { describe, expect, test } from 'vitest'
import { topicPattern } from '../../src/http/consumers/topic-pattern.ts'

describe('a topic pattern', () => {
  const names = [
    '',
    'a',
    'aa',
    'ab',
    'abc',
    'orders',
    'orders.eu',
    'orders-eu-1',
    'x_1',
    'X9',
    '__offsets',
    'b.b',
    'aab',
    '12',
  ]
  test.each([
    'a',
    'a*',
    'a+b?c?',
    'orders.*',
    'orders\\..*',
    '^orders(-eu)?(-\\d+)?$',
    '(?:a|ab)(?:c|bcd)?',
    '[a-c]+',
    '[^a-z]+',
    '[\\w.-]{2,3}',
    '.{2}',
    'a{0,1}b{1}',
    '\\D\\d',
    '[]a]',
    '',
    'a|',
    '(a*)*b',
    '.*?s',
    '[.]|b[.]b',
  ])('%j matches what it matches in JavaScript', (text) => {
    const matches = topicPattern(text)
    const own = new RegExp(`^(?:${text.replace(/^\[\]/, '[\\]')})$`)
    expect(names.filter(matches)).toEqual(names.filter((name) => own.test(name)))
  })

  test('quotes between \\Q and \\E', () => {
    expect(['a.b', 'axb', 'a.bc'].filter(topicPattern('\\Qa.b\\Ec?'))).toEqual(['a.b', 'a.bc'])
  })

  test.each([
    '(',
    ')',
    'a)',
    '[a',
    '*',
    'a**',
    'a++',
    '(?=a)',
    '(?i)a',
    '\\1',
    '\\p{L}',
    'a{2,1}',
    '[b-a]',
    '[[a]]',
    'a\\',
  ])('%j is refused', (text) => {
    expect(() => topicPattern(text)).toThrow('topic_pattern')
  })

  test('that is long, or becomes so, is refused', () => {
    expect(() => topicPattern('a'.repeat(257))).toThrow('256')
    expect(() => topicPattern('((a{99}){99}){99}')).toThrow('repetitions')
    expect(() => topicPattern('('.repeat(100) + ')'.repeat(100))).toThrow('deeply')
  })

  test('made to backtrack without end takes no longer than another', () => {
    expect(topicPattern('(((a+)+)+)+b')('a'.repeat(249))).toBe(false)
    expect(topicPattern('(a|aa|a*)*')('a'.repeat(249))).toBe(true)
  })
})
