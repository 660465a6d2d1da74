import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { systemClock } from '../../../system/clock.ts'
import { applyAll } from './apply.ts'
import type { ApplyTarget } from './apply-entry.ts'
import type { Entry } from '../kv/entry.ts'

const { signal } = new AbortController()

function secret(path: string): Entry {
  const metadata = { maxVersions: 0, casRequired: false, deleteVersionAfter: '0s', custom: null }
  const versions = [{ version: 1, state: 'live', created: '', data: { v: path } } as const]
  return { kv: 2, mount: 's', path, metadata, created: '', updated: '', current: 1, versions }
}

async function* secrets(): AsyncGenerator<Entry> {
  yield secret('first')
  yield secret('second')
}

test('when the server is lost, nothing is being written any more when that is said', async () => {
  const lost = new Failure('unreachable', 'the server is gone')
  let writing = 0
  const run = async <Result>(name: string): Promise<Result> => {
    if (name.includes('first')) throw lost
    writing += 1
    await systemClock.sleep(30, signal)
    writing -= 1
    return undefined as Result
  }
  const context: Context = { clock: systemClock, effects: { run }, signal, progress: () => {} }
  const mounts = new Map([['s', { path: 's', version: 2 as const, description: '', config: null }]])
  // The mount is empty, so that nothing is read before it is written: no server is asked.
  const place = { client: { workers: 4 }, context, mounts, empty: new Set(['s']) } as unknown as ApplyTarget
  await assert.rejects(applyAll(secrets(), place), (error) => error === lost)
  assert.equal(writing, 0)
})
