import assert from 'node:assert/strict'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { InitReport } from '../../src/operations/init/init.ts'
import { assertFailed } from './expect.ts'
import { emptyHost, keptFile, writeConfig } from './files-host.ts'
import { PASSWORD } from './lab.ts'
import { repositoryIn, startBucket } from './s3-lab.ts'

/** A host is lost, and all that is left is a bucket, its keys and the password. */
test('a new host gets its configuration from a bucket, and restores with it', async (t) => {
  const place = await startBucket()
  const { server } = place
  const host = await emptyHost(t)
  await mkdir(join(host.folder, 'data'))
  await writeFile(join(host.folder, 'data', 'kept.txt'), 'kept')
  await writeConfig(host, { signingKey: `file:${join(host.folder, 'etc', 'signing.key')}` })
  const { settings, secretFile } = await repositoryIn(place, host)
  await host.edit((config) => (config.repositories['main'] = settings))
  await host.json(['init'])
  await host.json(['backup'])
  await rm(host.folder, { recursive: true })

  const fresh = await emptyHost(t)
  const from = ['init', '--from', settings.url, '--endpoint', server.endpoint, '--region', server.region]
  const keys = { AWS_ACCESS_KEY_ID: server.accessKey, AWS_SECRET_ACCESS_KEY: server.secretKey }
  const run = (environment: Record<string, string>) =>
    fresh.runWith({ HOLDFAST_PASSWORD: PASSWORD, ...environment }, ...from, '--json')
  const none = { code: 12, kind: 'denied', message: /no credentials/, hint: /AWS_ACCESS_KEY_ID/ }
  // A machine without a role answers no question about one.
  assertFailed(await run({ AWS_EC2_METADATA_DISABLED: 'true' }), none)
  const wrong = await run({ ...keys, AWS_SECRET_ACCESS_KEY: 'another' })
  assertFailed(wrong, { code: 12, kind: 'denied', message: /./, hint: /./ })
  const made = await run(keys)
  assert.equal(made.code, 0, made.out + made.error)
  const { report } = JSON.parse(made.out) as { report: InitReport }
  assert.deepEqual(
    report.from?.map(({ app }) => app),
    ['portal'],
  )
  const text = await readFile(fresh.config, 'utf8')
  assert.ok(!text.includes(server.secretKey))
  const said = report.findings.map(({ subject, message }) => `${subject}: ${message}`).join('\n')
  assert.match(said, new RegExp(`${secretFile}.*not on this host`), said)
  await mkdir(host.folder)
  await writeFile(secretFile, server.secretKey, { mode: 0o600 })
  assert.match(said, /MAIN_ACCESSKEY/, said)
  const password = { HOLDFAST_PASSWORD: PASSWORD, MAIN_ACCESSKEY: server.accessKey }
  const restored = await fresh.runWith(password, 'restore', 'portal', '--yes', '--no-safety-point')
  assert.equal(restored.code, 0, restored.out + restored.error)
  assert.equal(await keptFile(host), 'kept')
})
