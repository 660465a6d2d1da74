import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProgressView } from './progress.ts'
import { wrapSentences } from './wrap.ts'

test('sentences are broken at the width, below their text; tables and commands are not', () => {
  const text = [
    '  warning   client tools 15.18: this release lets a hostile server run commands on this machine',
    '            Install 15.20 or newer of the PostgreSQL client on this machine here.',
    'restore point                     app     created               state     stored  in',
    '    PGPASSFILE=/tmp/a/pgpass psql -h /tmp/a -p 5432 -U postgres -d portal__r_1a2b3c4d',
    'warning: short',
  ].join('\n')
  assert.deepEqual(wrapSentences(text, 50).split('\n'), [
    '  warning   client tools 15.18: this release lets',
    '            a hostile server run commands on this',
    '            machine',
    '            Install 15.20 or newer of the',
    '              PostgreSQL client on this machine',
    '              here.',
    'restore point                     app     created               state     stored  in',
    '    PGPASSFILE=/tmp/a/pgpass psql -h /tmp/a -p 5432 -U postgres -d portal__r_1a2b3c4d',
    'warning: short',
  ])
  assert.equal(wrapSentences(text, undefined), text)
  assert.equal(wrapSentences('warning: averyveryverylongword', 10), 'warning:\n  averyveryverylongword')
})

function shown(quiet: boolean, width?: number): string {
  let text = ''
  const streams = { out: () => {}, error: (more: string) => (text += more), terminal: false, width }
  const view = new ProgressView(streams, quiet, () => 0)
  for (const message of ['the clock is wrong by years and more', 'once', 'the clock is wrong by years and more'])
    view.show({ type: 'warning', message })
  view.show({ type: 'note', message: 'noted' })
  view.show({ type: 'phase', phase: 'load' })
  return text
}

test('a warning is said once, at the width of the terminal, and nothing at all with --quiet', () => {
  assert.equal(shown(false), 'warning: the clock is wrong by years and more\nwarning: once\nnoted\nload\n')
  assert.equal(shown(false, 30), 'warning: the clock is wrong by\n  years and more\nwarning: once\nnoted\nload\n')
  assert.equal(shown(true), '')
})
