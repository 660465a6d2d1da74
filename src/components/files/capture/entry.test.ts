import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { isFailure } from '../../../core/failure.ts'
import { entryLine, parseEntryLine, type FileEntry } from './entry.ts'
import { entriesOf } from './listing.ts'
import type { FilesDetails } from '../schema.ts'

const facts = { mode: 0o600, uid: 0, gid: 0, mtime: -7n }
const folder = (path: string): FileEntry => ({ ...facts, path, type: 'directory' })
const file = (path: string): FileEntry => ({ ...facts, path, type: 'file', size: 0, sha256: '0'.repeat(64) })
const corrupt = (error: unknown): boolean => isFailure(error, 'corrupt')

test('an entry comes back from its line', () => {
  const entries: FileEntry[] = [
    { ...file('ÿ %\n'), user: 'ü', group: 'g' },
    { ...facts, path: 'l', type: 'symlink', target: '/etc' },
    { ...facts, path: 'a/l', type: 'symlink', target: '../\u0001' },
    { ...facts, path: 'h', type: 'link', target: 'a/b' },
  ]
  for (const entry of entries) assert.deepEqual(parseEntryLine(entryLine(entry)), entry)
})

test('lines that no capture writes are corrupt', () => {
  const symlink = { path: 'l', type: 'symlink', mode: 0, uid: 0, gid: 0, mtime: '0' }
  const lines = [
    '',
    '{}',
    entryLine(file('a')).replace('"a"', '"../a"'),
    entryLine(file('a')).replace('"a"', '"/a"'),
    entryLine(file('a')).replace('"a"', '"a%00"'),
    entryLine(file('a')).replace('"file"', '"character-device"'),
    entryLine({ ...facts, path: 'h', type: 'link', target: '../../etc/passwd' }),
    JSON.stringify({ ...symlink, target: '/etc/passwd' }),
    JSON.stringify({ ...symlink, target: 'a/../../b' }),
    JSON.stringify({ ...symlink, target: 'inside', escapes: true }),
  ]
  for (const line of lines) assert.throws(() => parseEntryLine(line), corrupt, line)
})

async function readAll(entries: readonly FileEntry[], change: Partial<FilesDetails> = {}): Promise<number> {
  const text = entries.map(entryLine).join('')
  const details = {
    entriesSha256: createHash('sha256').update(text).digest('hex'),
    entries: entries.length,
    ...change,
  } as FilesDetails
  let count = 0
  for await (const _entry of entriesOf(chunks(text), details)) count += 1
  return count
}

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  for (let begin = 0; begin < text.length; begin += 7) yield Buffer.from(text.slice(begin, begin + 7), 'latin1')
}

test('a list in walk order is read whole', async () => {
  assert.equal(await readAll([folder('.'), folder('a'), file('a/b'), file('a!'), file('b')]), 5)
})

test('a list that names an entry twice, out of order, or in something that is not a folder is corrupt', async () => {
  const link: FileEntry = { ...facts, path: 'a', type: 'symlink', target: '/etc' }
  const lists = [
    [file('a')],
    [folder('a')],
    [folder('.'), folder('.')],
    [folder('.'), file('a'), file('a')],
    [folder('.'), file('b'), file('a')],
    [folder('.'), file('a/b')],
    [folder('.'), link, file('a/b')],
    [folder('.'), file('a'), file('a/b')],
    [folder('.'), folder('a'), file('b'), file('a/c')],
  ]
  for (const list of lists) await assert.rejects(readAll(list), corrupt, list.map(({ path }) => path).join(' '))
})

test('a list other than the one in the manifest is corrupt', async () => {
  await assert.rejects(readAll([folder('.')], { entriesSha256: '0'.repeat(64) }), corrupt)
  await assert.rejects(readAll([folder('.')], { entries: 2 }), corrupt)
})
