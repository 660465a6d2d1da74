import assert from 'node:assert/strict'
import { rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { filesHost, type FilesHost } from './files-host.ts'
import { withClock } from './in-process.ts'
import { PASSWORD } from './lab.ts'

interface Looked {
  readonly changes?: { readonly verdict: string; readonly changed: readonly string[]; readonly until?: string }
  readonly report?: { readonly note?: string; readonly outcome: string }
}

async function watchedHost(t: TestContext): Promise<FilesHost> {
  const host = await filesHost(t)
  const key = join(host.folder, 'portal.key')
  await writeFile(key, 'one')
  await host.edit((config) => {
    config.apps['portal']!.components['keys'] = { kind: 'secrets', secrets: { key: { file: key } } }
  })
  return host
}

/** One look, so many minutes later than now: what it said, or the note of the point that it made. */
async function look(host: FilesHost, minutes = 0): Promise<string> {
  const lab = { folder: host.folder, environment: { HOLDFAST_PASSWORD: PASSWORD } }
  const ran = await withClock(lab, minutes * 60_000, 'backup', '--if-changed', '--json')
  assert.equal(ran.code, 0, ran.out + ran.error)
  // The shape is held by test/cli/json-output.test.ts.
  const { changes, report } = JSON.parse(ran.out) as Looked
  return changes === undefined ? `made: ${report?.note}` : [changes.verdict, ...changes.changed].join(' ')
}

test('a point is made once what has changed has settled, at most one an hour, and says why', async (t) => {
  const host = await watchedHost(t)
  const file = join(host.folder, 'data', 'kept.txt')
  assert.deepEqual([await look(host), await look(host)], ['unsettled files keys', 'made: changed: files, keys'])
  assert.equal(await look(host), 'unchanged')
  await writeFile(file, 'dry')
  for (const _time of [1, 2]) await host.run('backup', '--if-changed', '--dry-run')
  await writeFile(file, 'other')
  assert.equal(await look(host), 'unsettled files')
  await writeFile(file, 'again')
  assert.deepEqual([await look(host), await look(host, 59)], ['unsettled files', 'waits files'])
  assert.equal(await look(host, 61), 'made: changed: files')
  await writeFile(join(host.folder, 'portal.key'), 'two')
  await utimes(file, 1, 1)
  assert.equal(await look(host, 130), 'unsettled files keys')
  // What is as it was in the last point needs none.
  await writeFile(join(host.folder, 'portal.key'), 'one')
  assert.deepEqual([await look(host, 131), await look(host, 132)], ['unsettled files', 'made: changed: files'])
  const { points } = await host.json<{ points: readonly unknown[] }>(['points'])
  assert.equal(points.length, 3)
})

test('a point that fails is tried again an hour later, and never taken for made', async (t) => {
  const host = await watchedHost(t)
  await look(host)
  const repository = join(host.folder, 'repository-main')
  await rename(repository, `${repository}-away`)
  assert.notEqual((await host.run('backup', '--if-changed')).code, 0)
  await rename(`${repository}-away`, repository)
  assert.equal(await look(host), 'waits files keys')
  assert.equal(await look(host, 61), 'made: changed: files, keys')
})

test('an app without files and secrets has nothing to look at', async (t) => {
  const host = await filesHost(t)
  await host.edit((config) => {
    config.apps['portal']!.components = {
      database: { kind: 'postgres', host: '127.0.0.1', port: 1, database: 'portal', user: 'portal' },
    }
  })
  const ran = await host.run('backup', '--if-changed')
  assert.equal(ran.code, 2)
  assert.match(ran.error, /no files or secrets whose changes could be seen/)
})
