import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openbaoDriver } from '../../components/openbao/driver.ts'
import { sampleFile, sampleHeader, secretPassword, sourceFor } from './testing/sample.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import type { Storage } from '../../storage/storage.ts'
import { asDriver, newTestHost, ShiftedClock } from '../../operations/testing/test-host.ts'
import { usualLimits, type KleidiaSource } from './import-kleidia.ts'
import { importKleidiaPoints } from './import-points.ts'

const FILES = 12

/** Counts how often each blob is read. */
function counting(storage: Storage, reads: Map<string, number>): Storage {
  const get: Storage['get'] = (name, ...more) => {
    reads.set(name, (reads.get(name) ?? 0) + 1)
    return storage.get(name, ...more)
  }
  return new Proxy(storage, {
    get(inner, name) {
      if (name === 'get') return get
      const value: unknown = Reflect.get(inner, name, inner)
      return typeof value === 'function' ? (value.bind(inner) as unknown) : value
    },
  })
}

async function* sources(count = FILES): AsyncGenerator<KleidiaSource> {
  const header = JSON.stringify({ ...sampleHeader, backup_type: 'vault-only', includes_db: false })
  for (let number = 0; number < count; number += 1)
    yield sourceFor(sampleFile({ json: `{"header":${header},"vault_secrets":{"a":{"number":${number}}}}` }))
}

test('what one of many files costs does not grow with how many there are', { timeout: 300_000 }, async () => {
  const clock = new ShiftedClock()
  const reads = new Map<string, number>()
  const testHost = await newTestHost({ clock, storages: [counting(memoryStorage({ clock }), reads)] })
  const address = 'http://127.0.0.1:1'
  const settings = openbaoDriver.settings.parse({ kind: 'openbao', address, token: 'none', mounts: ['kv'] })
  const app = testHost.app([{ name: 'keys', driver: asDriver(openbaoDriver), settings }])
  try {
    const request = { password: secretPassword, limits: usualLimits, trusted: false }
    const { files } = await importKleidiaPoints(app, sources(), request, testHost.context())
    assert.ok(files.every(({ outcome }) => outcome === 'imported'))
    const commits = [...reads].filter(([name]) => name.startsWith('points/'))
    assert.equal(commits.length, FILES)
    // Once for its hold, and once for the chain of all that come after it.
    for (const [name, count] of commits) assert.ok(count <= 2, `${name} was read ${count} times`)
    assert.deepEqual(
      [...reads.keys()].filter((name) => name.startsWith('proofs/')),
      [],
    )
    const { points } = await (await testHost.repository()).catalog(testHost.context())
    assert.equal(points.filter(({ held }) => held).length, FILES)
    // Each names the one before it.
    for (const [index, { commit }] of points.entries())
      assert.equal(commit.previous, points[index - 1]?.commitSha256 ?? null)
  } finally {
    await testHost.close()
  }
})

test('what a run that died had not held is held by the next; what was released stays so', async () => {
  const storage = memoryStorage()
  const testHost = await newTestHost({ storages: [storage] })
  const address = 'http://127.0.0.1:1'
  const settings = openbaoDriver.settings.parse({ kind: 'openbao', address, token: 'none', mounts: ['kv'] })
  const app = testHost.app([{ name: 'keys', driver: asDriver(openbaoDriver), settings }])
  const request = { password: secretPassword, limits: usualLimits, trusted: false }
  const held = async (): Promise<readonly boolean[]> =>
    (await (await testHost.repository()).catalog(testHost.context())).points.map((one) => one.held)
  try {
    await importKleidiaPoints(app, sources(1), request, testHost.context())
    const { signal } = testHost.context()
    for await (const { name } of storage.list('proofs/', signal)) await storage.remove(name, signal)
    assert.deepEqual(await held(), [false])
    const { files } = await importKleidiaPoints(app, sources(1), request, testHost.context())
    assert.deepEqual(
      files.map(({ outcome }) => outcome),
      ['imported before'],
    )
    assert.deepEqual(await held(), [true])
    const repository = await testHost.repository()
    const [point] = (await repository.catalog(testHost.context())).points
    await repository.prove(point?.point ?? '', 'release', { ok: true, facts: {} }, testHost.context())
    await importKleidiaPoints(app, sources(1), request, testHost.context())
    assert.deepEqual(await held(), [false])
  } finally {
    await testHost.close()
  }
})
