import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitToHost } from './fit-to-host.ts'
import type { InitFrom } from './init.ts'

const bucket = { url: 's3://bucket/a', endpoint: 'https://one', accessKey: 'env:A', secretKey: 'env:S', recipients: [] }
const other = { url: 's3://other', region: 'eu-1' }

/** The repository `main`, which was in a bucket when the point was made and is found at `from`. */
async function movedTo(from: Omit<InitFrom, 'at'> & { readonly url: string }): Promise<unknown> {
  const carried = { version: 1, repositories: { main: bucket, other } }
  const { file, findings } = await fitToHost(carried, {
    repositories: ['main'],
    from: { at: 'latest', ...from },
    signers: [],
  })
  assert.ok(findings.some(({ subject, message }) => subject === 'repository main' && message.includes(from.url)))
  const repositories = file['repositories'] as Record<string, unknown>
  assert.deepEqual(repositories['other'], other)
  return repositories['main']
}

test('a bucket that was copied to a folder is a folder in the file, without the settings of the bucket', async () => {
  assert.deepEqual(await movedTo({ url: 'file:///srv/copy' }), { url: 'file:///srv/copy', recipients: [] })
})

test('a bucket at another server keeps its other settings', async () => {
  const place = { url: 's3://bucket/b', endpoint: 'https://two' }
  assert.deepEqual(await movedTo(place), { ...bucket, ...place })
})
