import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { isFailure, type FailureKind } from '../../core/failure.ts'
import { inClusterAccess } from './in-cluster.ts'
import { kubeconfigAccess } from './kubeconfig.ts'

const folderOf = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-kubeconfig-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const text = (user: string, cluster = 'server: https://api.test:6443/'): string => `
current-context: one
contexts:
  - { name: one, context: { cluster: c, user: u, namespace: apps } }
  - { name: lost, context: { cluster: gone, user: u } }
clusters:
  - name: c
    cluster: { ${cluster} }
users:
  - name: u
    user: { ${user} }
`

async function accessOf(t: TestContext, content: string, context?: string) {
  const folder = await folderOf(t)
  await writeFile(join(folder, 'config'), content)
  await writeFile(join(folder, 'token'), 'canary-file\n')
  await writeFile(join(folder, 'ca.crt'), 'a CA')
  return await kubeconfigAccess(join(folder, 'config'), context)
}

test('a token, a token file and a certificate, with files beside the kubeconfig', async (t) => {
  const literal = await accessOf(
    t,
    text('token: canary-literal', 'server: "https://api.test:6443/", certificate-authority: ca.crt'),
  )
  assert.equal((await literal.token?.())?.reveal(), 'canary-literal')
  assert.deepEqual(
    [literal.server, literal.ca, literal.namespace, literal.insecure],
    ['https://api.test:6443', 'a CA', 'apps', false],
  )
  assert.equal((await (await accessOf(t, text('tokenFile: token'))).token?.())?.reveal(), 'canary-file')
  const data = Buffer.from('canary-key').toString('base64')
  const certificate = await accessOf(t, text(`client-certificate-data: ${data}, client-key-data: ${data}`))
  assert.equal(certificate.certificate?.key.reveal(), 'canary-key')
  assert.ok(!inspect(certificate.certificate.key).includes('canary'))
})

test('what is refused names the cause and no token', async (t) => {
  const cases: readonly (readonly [string, string | undefined, FailureKind, RegExp])[] = [
    [text('token: canary, exec: { command: aws }'), undefined, 'unsupported', /user u .* logs in by exec/],
    [text('username: canary'), undefined, 'unsupported', /by username/],
    [text('token: canary', 'server: "http://api.test"'), undefined, 'usage', /cluster c has a wrong server/],
    [text('token: canary', 'server: "https://api.test", proxy-url: "http://p"'), undefined, 'unsupported', /proxy/],
    [text('token: canary'), 'two', 'notFound', /has no context two/],
    [text('token: canary'), 'lost', 'usage', /cluster gone is missing/],
    [text('client-certificate-data: Y2FuYXJ5'), undefined, 'usage', /neither a token nor a certificate/],
    ['users: [{ user: { token: canary', undefined, 'usage', /is no YAML/],
  ]
  for (const [content, context, kind, pattern] of cases)
    await assert.rejects(accessOf(t, content, context), (error: unknown) => {
      assert.ok(isFailure(error, kind), String(error))
      assert.match(error.message, pattern)
      assert.ok(!inspect(error).includes('canary'), inspect(error))
      return true
    })
})

test('the service account of a pod, with a token that is read again', async (t) => {
  const folder = await folderOf(t)
  await assert.rejects(inClusterAccess(folder), (error) => isFailure(error, 'usage'))
  for (const [name, content] of [
    ['token', 'first'],
    ['ca.crt', 'a CA'],
    ['namespace', 'apps'],
  ] as const)
    await writeFile(join(folder, name), content)
  const access = await inClusterAccess(folder)
  assert.deepEqual([access.namespace, access.ca, (await access.token?.())?.reveal()], ['apps', 'a CA', 'first'])
  await writeFile(join(folder, 'token'), 'second\n')
  assert.equal((await access.token?.())?.reveal(), 'second')
})
