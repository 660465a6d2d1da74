import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEnvFile, withVariable } from './env-file.ts'

function values(text: string): Record<string, string> {
  return Object.fromEntries([...readEnvFile(text)].map(([name, { value }]) => [name, value]))
}

test('lines as Docker Compose and systemd write them', () => {
  const text = [
    '# a comment',
    'PLAIN=one two ',
    'export EXPORTED = three',
    "SINGLE='four # $five \\n'",
    'DOUBLE="six \\"seven\\" \\n eight \\\\"',
    'SPREAD="first',
    'second"',
    'EMPTY=',
    'HASH=a#b',
    'no assignment',
    'PLAIN=again',
    'WINDOWS=line\r',
    'LAST=end',
  ].join('\n')
  assert.deepEqual(values(text), {
    PLAIN: 'again',
    EXPORTED: 'three',
    SINGLE: 'four # $five \\n',
    DOUBLE: 'six "seven" \n eight \\',
    SPREAD: 'first\nsecond',
    EMPTY: '',
    HASH: 'a#b',
    WINDOWS: 'line',
    LAST: 'end',
  })
})

test('what the two read differently is said', () => {
  const text = 'COMMENT=a # b\nDOLLAR=$HOME\nQUOTED="$HOME"\nJOINED=a\\\nSAME=\'$HOME # x\'\n'
  const differing = [...readEnvFile(text)].filter(([, { differs }]) => differs !== undefined).map(([name]) => name)
  assert.deepEqual(differing, ['COMMENT', 'DOLLAR', 'QUOTED', 'JOINED'])
})

test('a quote that is not closed is part of the value, and nothing is lost', () => {
  assert.deepEqual(values('A="open\nB=2\n'), { A: '"open', B: '2' })
  assert.deepEqual(values(''), {})
})

test('a value is written so that it reads back, and nothing else changes', () => {
  const values = [
    '',
    'plain',
    'two words',
    "it's",
    '"quoted" $not',
    'a\\b',
    'line\nbreak',
    'all \' " \\ $ #\n',
    '#x',
    ' y ',
  ]
  for (const value of values) {
    for (const old of ['', 'old', "'old'", '"o\\"ld"', 'old # comment', '"two\nlines"']) {
      const text = `A=1\n\texport KEY = ${old}\r\n# KEY=no\nB="b"\n`
      const changed = withVariable(text, 'KEY', value) ?? ''
      assert.equal(readEnvFile(changed).get('KEY')?.value, value, `${old} to ${value}`)
      assert.ok(changed.startsWith('A=1\n\texport KEY = ') && changed.endsWith('\n# KEY=no\nB="b"\n'), changed)
    }
  }
  assert.equal(withVariable('A=1\n', 'KEY', 'x'), undefined)
  assert.equal(withVariable('KEY=1\nKEY=2', 'KEY', '3'), 'KEY=1\nKEY=3')
})
