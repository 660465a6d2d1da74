import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeTemporaryFolder, removeAbandonedFolders, withTemporaryFolder, SHORT_FOLDER } from './temporary-folder.ts'
import { run } from '../process/run.ts'

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

/** Makes a folder of each kind as a process that is gone afterwards; one file in each when asked for. */
async function abandoned(lifetime: string, filled: boolean, within = tmpdir()): Promise<string> {
  const script = `const { makeTemporaryFolder } = await import(${JSON.stringify(join(import.meta.dirname, 'temporary-folder.ts'))});
    const folder = await makeTemporaryFolder(${JSON.stringify(lifetime)}, ${JSON.stringify(within)});
    if (${filled}) (await import('node:fs')).writeFileSync(folder + '/file', 'x');
    process.stdout.write(folder)`
  const args = ['--input-type=module', '--eval', script]
  const { signal } = new AbortController()
  const limits = { idleLimit: 30_000, totalLimit: 30_000 }
  return (await run({ file: process.execPath, args, signal, environment: { TMPDIR: tmpdir() }, ...limits })).stdout
}

/** Lets this process use another folder for temporary files until the test ends. */
function useTemporary(t: TestContext, folder: string): void {
  const before = process.env['TMPDIR']
  t.after(() => (before === undefined ? delete process.env['TMPDIR'] : (process.env['TMPDIR'] = before)))
  process.env['TMPDIR'] = folder
}

test('folders of processes that are gone are removed, those of living ones and what is kept in others are not', async (t) => {
  // In a folder of its own: every command that runs meanwhile removes them too.
  const own = await mkdtemp(join(tmpdir(), 'temporary-folder-test-'))
  t.after(() => rm(own, { recursive: true }))
  useTemporary(t, own)
  const gone = [await abandoned('of this process', true), await abandoned('kept', false)]
  const kept = [await abandoned('kept', true), await makeTemporaryFolder(), await makeTemporaryFolder('kept')]
  assert.deepEqual(
    [...gone, ...kept].filter((path) => !existsSync(path)),
    [],
  )
  await removeAbandonedFolders()
  assert.deepEqual(
    [...gone, ...kept].filter((path) => existsSync(path)),
    kept,
  )
})

test('a short folder of a process that is gone is removed, wherever TMPDIR is', async (t) => {
  const own = await mkdtemp(join(tmpdir(), 'temporary-folder-test-'))
  t.after(() => rm(own, { recursive: true }))
  const short = await abandoned('kept', false, SHORT_FOLDER)
  t.after(() => rm(short, { recursive: true, force: true }))
  useTemporary(t, own)
  await removeAbandonedFolders()
  assert.equal(existsSync(short), false)
})

test('a folder for temporary files that is not there is named, with what to do', async (t) => {
  useTemporary(t, '/nowhere/scratch')
  await assert.rejects(makeTemporaryFolder(), { kind: 'refused', message: /\/nowhere\/scratch/, hint: /Make it/ })
})
