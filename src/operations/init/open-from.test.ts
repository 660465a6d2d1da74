import assert from 'node:assert/strict'
import { test } from 'node:test'
import { directEffects } from '../../system/effects.ts'
import { systemClock } from '../../system/clock.ts'
import { openFrom } from './open-from.ts'
import type { InitFrom } from './init.ts'

const context = {
  clock: systemClock,
  effects: directEffects,
  signal: new AbortController().signal,
  progress: () => undefined,
}
const open = (from: Omit<InitFrom, 'at'> & { readonly url: string }) => openFrom({ at: 'latest', ...from }, context)

test('a repository is opened with the settings that its kind has', async () => {
  const keys = { accessKey: 'key', secretKey: 'secret' }
  const storage = await open({ url: 's3://bucket/a', endpoint: 'https://s3.internal:9000', region: 'x', ...keys })
  assert.equal(storage.location, 's3://bucket/a at https://s3.internal:9000')
  await assert.rejects(storage.put('blob', Buffer.from('x'), context.signal), { kind: 'refused' })
})

test('a setting of another kind, a wrong value and an unknown kind are told before anything is asked for', async () => {
  const wrong: readonly (readonly [Parameters<typeof open>[0], RegExp])[] = [
    [{ url: 'file:///srv/copy', endpoint: 'https://x' }, /--endpoint is not for a repository like file:/],
    [{ url: 's3://bucket', endpoint: 'x:9000' }, /--endpoint is wrong: expected an http or https URL/],
    [{ url: 'ftp://user:hunter2@host/x', region: 'x' }, /^storage location "ftp:\/\/…@host\/x" is of no known kind/],
  ]
  for (const [from, message] of wrong) await assert.rejects(open(from), { kind: 'usage', message })
})
