import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEnvFile } from './env-file.ts'

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
