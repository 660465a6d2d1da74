import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Failure } from '../../../core/failure.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { memoryStorage } from '../../../storage/testing/memory.ts'
import { PassThrough } from '../../../storage/wrap/pass-through.ts'
import type { App, AppRepository } from '../../app.ts'
import { TextPlace } from '../../testing/text-driver.ts'
import { newTestHost, textComponent, type TestHost } from '../../testing/test-host.ts'
import { safetyFindings } from './safety-preflight.ts'

const restored = { artifacts: [{ number: 1, size: 900, sha256: '' }], manifest: { size: 100, sha256: '' } }

/** A medium on which only so much is free, or that takes nothing. */
class Medium extends PassThrough {
  readonly #free: number | Failure

  constructor(free: number | Failure) {
    super(memoryStorage())
    this.#free = free
  }

  override free(): Promise<number> {
    return this.#free instanceof Failure ? Promise.reject(this.#free) : Promise.resolve(this.#free)
  }
}

async function testHostOn(t: TestContext, ...media: readonly Medium[]): Promise<{ testHost: TestHost; app: App }> {
  const testHost = await newTestHost(media.length === 0 ? {} : { storages: media })
  t.after(() => testHost.close())
  return { testHost, app: testHost.app([textComponent(new TextPlace('database', 'rows', []))]) }
}

function looked({ testHost, app }: { testHost: TestHost; app: App }): Promise<readonly Finding[]> {
  return safetyFindings(app, restored, testHost.context())
}

function changed(app: App, change: (target: AppRepository) => Partial<AppRepository>): App {
  return { ...app, repositories: app.repositories.map((target) => ({ ...target, ...change(target) })) }
}

function assertBlocked(findings: readonly Finding[], message: RegExp): void {
  assert.deepEqual(
    findings.map(({ level }) => level),
    ['error'],
  )
  assert.match(findings[0]?.message ?? '', message)
  assert.match(findings[0]?.hint ?? '', /--no-safety-point/)
}

test('a repository that takes the point, with room or without a word about it, is no finding', async (t) => {
  assert.deepEqual(await looked(await testHostOn(t)), [])
  assert.deepEqual(await looked(await testHostOn(t, new Medium(1000))), [])
})

test('no recipient, no way in, no right to write and no room are each said before', async (t) => {
  const made = await testHostOn(t)
  const { testHost, app } = made
  assertBlocked(await looked({ testHost, app: changed(app, () => ({ recipients: [] })) }), /has no recipient/)
  const denied = new Failure('denied', 'it may not be written')
  const shut = changed(app, () => ({ open: () => Promise.reject(denied) }))
  assertBlocked(await looked({ testHost, app: shut }), /may not be written/)
  assertBlocked(await looked(await testHostOn(t, new Medium(denied))), /may not be written/)
  assertBlocked(await looked(await testHostOn(t, new Medium(999))), /999 bytes are free.*1000/)
})

test('one of several repositories is enough, and the other is told', async (t) => {
  const findings = await looked(await testHostOn(t, new Medium(10), new Medium(1_000_000)))
  assert.deepEqual(
    findings.map(({ level, subject }) => [level, subject]),
    [['warning', 'safety point in repository-0']],
  )
})

test('nothing is stored by looking', async (t) => {
  const made = await testHostOn(t)
  const names = async (): Promise<number> => {
    let count = 0
    for await (const _blob of made.testHost.storages[0]?.list('', new AbortController().signal) ?? []) count += 1
    return count
  }
  const before = await names()
  await looked(made)
  assert.equal(await names(), before)
})
