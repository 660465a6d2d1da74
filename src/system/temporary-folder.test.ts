import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTemporaryFolder, withTemporaryFolder } from './temporary-folder.ts'

test('a temporary folder is private, and gone afterwards even after a failure', async () => {
  let used = ''
  const failing = withTemporaryFolder(async (folder) => {
    used = folder
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    await writeFile(join(folder, 'file'), 'x')
    throw new Error('planted')
  })
  await assert.rejects(failing, /planted/)
  assert.equal(existsSync(used), false)
})

test('a folder for temporary files that is not there is named, with what to do', async (t) => {
  const before = process.env['TMPDIR']
  t.after(() => (before === undefined ? delete process.env['TMPDIR'] : (process.env['TMPDIR'] = before)))
  process.env['TMPDIR'] = '/nowhere/scratch'
  await assert.rejects(makeTemporaryFolder(), { kind: 'refused', message: /\/nowhere\/scratch/, hint: /Make it/ })
})
