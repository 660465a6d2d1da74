import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { Dumps, FoundDump } from '../../components/capabilities/dumps.ts'
import { Failure } from '../../core/failure.ts'
import type { Effects } from '../../core/ports.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import { TextPlace, textDriver } from '../testing/text-driver.ts'
import { asDriver, newTestHost, textComponent } from '../testing/test-host.ts'
import { importDumps, type DumpsReport } from './import-dumps.ts'

/** Dumps whose path is their text; `broken` ones cannot be loaded. */
function dumpsOf(paths: readonly string[]): Dumps {
  const found = paths.map((path, index): FoundDump => {
    return { path, name: path, format: 'sql', dumped: `200${index}-01-01T00:00:00.000Z`, dumpedBy: 'dump' }
  })
  return {
    find: () => Promise.resolve({ dumps: found, others: ['notes.txt'] }),
    digest: (path) => Promise.resolve({ sha256: createHash('sha256').update(path).digest('hex'), bytes: path.length }),
    load: (_settings, { path }) => {
      if (path === 'broken') return Promise.reject(new Failure('corrupt', 'it is cut off'))
      const place = new TextPlace('database', path)
      return Promise.resolve({
        settings: { kind: 'text', place },
        origin: { format: 'sql', source: path, sha256: '', bytes: 0, database: null, trusted: false },
        complete: (captured) => Promise.resolve(captured),
        close: () => Promise.resolve(),
      })
    },
    write: () => Promise.reject(new Failure('bug', 'nothing is written here')),
  }
}

const REQUEST = { trusted: false, withPasswords: false }

async function stage(t: { after(act: () => unknown): void }, storages = 1) {
  const testHost = await newTestHost({ storages: Array.from({ length: storages }, () => memoryStorage()) })
  t.after(() => testHost.close())
  const run = (paths: readonly string[], effects?: Effects, targets = storages): Promise<DumpsReport> => {
    const component = textComponent(new TextPlace('database', undefined))
    const driver = { ...asDriver(textDriver), dumps: dumpsOf(paths) }
    const app = testHost.app([{ ...component, driver }], effects)
    const some = { ...app, repositories: app.repositories.slice(0, targets) }
    return importDumps(some, '/old', REQUEST, testHost.context(effects))
  }
  const points = async (index = 0) => (await (await testHost.repository(index)).catalog(testHost.context())).points
  return { run, points }
}

const told = ({ dumps }: DumpsReport): string[] => dumps.map(({ name, outcome }) => `${name} ${outcome}`)

test('each becomes a held point of its date; one that fails stops none, and one that is there is passed over', async (t) => {
  const { run, points } = await stage(t)
  assert.deepEqual(told(await run(['a', 'broken', 'b'])), ['a imported', 'broken failed', 'b imported'])
  assert.deepEqual(told(await run(['a', 'b', 'c'])), ['a imported before', 'b imported before', 'c imported'])
  const found = await points()
  assert.deepEqual(
    found.map(({ commit, held }) => [commit.remarks[1], held]),
    [
      ['dumped 2000-01-01 00:00', true],
      ['dumped 2002-01-01 00:00', true],
      ['dumped 2002-01-01 00:00', true],
    ],
  )
})

test('a run that died right after a commit imports nothing twice', async (t) => {
  const { run, points } = await stage(t)
  let isDead = false
  const dying: Effects = {
    run: async (name, act) => {
      if (isDead) throw new Failure('bug', 'the process died')
      const result = await act()
      isDead = name.startsWith('put points/')
      return result
    },
  }
  await assert.rejects(run(['a', 'b'], dying))
  assert.equal((await points()).length, 1)
  assert.deepEqual(told(await run(['a', 'b'])), ['a imported before', 'b imported'])
  assert.equal((await points()).length, 2)
})

test('a repository that was added later gets what it lacks', async (t) => {
  const { run, points } = await stage(t, 2)
  await run(['a'], undefined, 1)
  assert.deepEqual([(await points(0)).length, (await points(1)).length], [1, 0])
  assert.deepEqual(told(await run(['a'])), ['a imported'])
  assert.deepEqual(told(await run(['a'])), ['a imported before'])
  assert.deepEqual([(await points(0)).length, (await points(1)).length], [1, 1])
})
