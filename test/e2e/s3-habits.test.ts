import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { stringify } from 'yaml'
import { habits } from '../parts/odd-s3-habits.ts'
import { startOddS3 } from '../parts/odd-s3.ts'
import { holdfast, type Ran } from './holdfast.ts'

/** An app that is a folder with a file of more than one part, and a repository on a server with habits. */
async function newApp(t: TestContext, ...names: readonly string[]) {
  const server = await startOddS3(...names.map((name) => habits[name] ?? assert.fail(name)))
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-s3-habits-'))
  t.after(async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })
  await mkdir(join(folder, 'files'))
  await writeFile(join(folder, 'files', 'large'), crypto.getRandomValues(Buffer.alloc(65_536)))
  for (let size = 65_536; size < 6 * 1024 * 1024; size += 65_536)
    await writeFile(join(folder, 'files', 'large'), crypto.getRandomValues(Buffer.alloc(65_536)), { flag: 'a' })
  await writeFile(join(folder, 's3-secret'), 'secret', { mode: 0o600 })
  const config = {
    version: 1,
    state: join(folder, 'state'),
    signingKey: `file:${join(folder, 'signing.key')}`,
    identity: `file:${join(folder, 'identity.txt')}`,
    signers: [],
    repositories: {
      main: {
        url: 's3://bucket/pre/fix',
        endpoint: server.endpoint,
        accessKey: 'key',
        secretKey: `file:${join(folder, 's3-secret')}`,
        recipients: [],
      },
    },
    apps: {
      portal: {
        repositories: ['main'],
        retention: { last: 1, minimum: 1 },
        components: { files: { kind: 'files', path: join(folder, 'files') } },
      },
    },
  }
  await writeFile(join(folder, 'holdfast.yaml'), stringify(config), { mode: 0o600 })
  return { server, run: (...args: string[]): Promise<Ran> => holdfast(folder, args) }
}

const INIT = ['init', '--no-password', '--identity-file', 'identity.txt']

for (const names of [
  ['otherOrderBelowSlash', 'completeConditionRefused'],
  ['getWithoutLength', 'headWithoutLength'],
]) {
  test(`the whole job works on a server with ${names.join(' and ')}`, async (t) => {
    const { run } = await newApp(t, ...names)
    const commands = [INIT, ['check'], ['backup', 'portal'], ['backup', 'portal'], ['points'], ['verify', 'latest']]
    for (const args of [...commands, ['drill', 'portal'], ['prune', 'portal', '--dry-run']]) {
      const { code, out, error } = await run(...args)
      assert.equal(code, args[0] === 'prune' && code === 13 ? 13 : 0, `${args.join(' ')}\n${out}${error}`)
    }
  })
}

test('init refuses a server that lacks what later commands need, and leaves no repository there', async (t) => {
  const { server, run } = await newApp(t, 'noParts')
  const { code, error } = await run(...INIT)
  assert.equal(code, 31, error)
  assert.match(error, /cannot hold a repository: a blob in parts: .*NotImplemented/)
  assert.match(error, /docs\/contribute\/adding-a-storage\.md lists/)
  assert.deepEqual(server.keys(), [])
})
