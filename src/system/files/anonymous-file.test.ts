import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Bytes } from '../../core/ports.ts'
import { withNamelessFile } from './anonymous-file.ts'
import { run } from '../process/run.ts'

async function* pieces(count: number, error?: Error): Bytes {
  for (let piece = 0; piece < count; piece += 1) yield Buffer.alloc(70_000, piece)
  if (error !== undefined) throw error
}

const ours = async (): Promise<string[]> => (await readdir(tmpdir())).filter((name) => name.startsWith('holdfast-'))

test('a program can read all of it from its start, more than once, and nobody else can', async () => {
  await withNamelessFile(pieces(5), async (path) => {
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    for (let time = 0; time < 2; time += 1) {
      const limits = { idleLimit: 10_000, totalLimit: 10_000, signal: new AbortController().signal }
      const { stdout } = await run({ file: '/usr/bin/wc', args: ['-c', path], ...limits })
      assert.match(stdout, /^350000 /)
    }
    assert.equal((await readFile(path)).at(-1), 4)
  })
})

test('where there is /proc no folder has it while it is there', { skip: process.platform !== 'linux' }, async () => {
  const before = process.env['TMPDIR']
  const folder = await mkdtemp(join(tmpdir(), 'nameless-'))
  process.env['TMPDIR'] = folder
  try {
    await withNamelessFile(pieces(1), async () => assert.deepEqual(await readdir(folder), []))
  } finally {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
    await rm(folder, { recursive: true })
  }
})

test('content that breaks is never used, and leaves nothing', async () => {
  const before = await ours()
  const used = withNamelessFile(pieces(3, new Error('not authentic')), () => Promise.resolve(assert.fail('was used')))
  await assert.rejects(used, /not authentic/)
  assert.deepEqual(
    (await ours()).filter((name) => !before.includes(name) && name.includes('content')),
    [],
  )
})
