import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { isFailure, type FailureKind } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { systemClock } from '../../system/clock.ts'
import { directEffects } from '../../system/effects.ts'
import { inClusterAccess } from './in-cluster.ts'
import { kubeconfigAccess } from './kubeconfig.ts'
import { kubernetesPlatform } from './kubernetes-platform.ts'
import { kubernetesSettings } from './schema.ts'

const { signal } = new AbortController()
const running: Context = { clock: systemClock, effects: directEffects, signal, progress: () => {} }

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
  return await kubeconfigAccess(join(folder, 'config'), context, running)
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
    [text('token: canary, exec: { command: aws }'), undefined, 'usage', /user u has a wrong exec.apiVersion/],
    [text('username: canary'), undefined, 'unsupported', /by username/],
    [text('token: canary', 'server: "http://api.test"'), undefined, 'usage', /cluster c has a wrong server/],
    [
      text('token: canary', 'server: "https://api.test", proxy-url: "socks5://p"'),
      undefined,
      'usage',
      /wrong proxy-url/,
    ],
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

test('whoever switches the context of the kubeconfig, or the server behind it, has another cluster', async (t) => {
  const kubeconfig = join(await folderOf(t), 'config')
  const identityOf = async (content: string, context?: string): Promise<string | undefined> => {
    await writeFile(kubeconfig, content)
    const settings = kubernetesSettings.parse({ kind: 'kubernetes', namespace: 'apps', kubeconfig, context })
    return await kubernetesPlatform.identity?.(settings, running)
  }
  const one = text('token: canary').replace(
    'contexts:',
    'contexts:\n  - { name: two, context: { cluster: c, user: u } }',
  )
  const two = one.replace('current-context: one', 'current-context: two')
  assert.equal(await identityOf(one), 'context one at https://api.test:6443')
  assert.equal(await identityOf(two), 'context two at https://api.test:6443')
  assert.equal(await identityOf(two, 'one'), 'context one at https://api.test:6443')
  assert.equal(await identityOf(one.replace('api.test', 'other.test')), 'context one at https://other.test:6443')
})

const API_VERSION = 'client.authentication.k8s.io/v1'
const plugin = (script: string): string =>
  text(
    `exec: { apiVersion: ${API_VERSION}, command: sh, args: ["-c", ${JSON.stringify(script)}], env: [{ name: KEY, value: canary-env }] }`,
  )

test('a login program gives a token, and runs again only when its login is over', async (t) => {
  const count = join(await folderOf(t), 'count')
  const script = (expires: string): string =>
    `echo run >> ${count}; test "$KEY" = canary-env || exit 1; case $KUBERNETES_EXEC_INFO in *ExecCredential*) ;; *) exit 1;; esac
     echo '{"apiVersion":"${API_VERSION}","kind":"ExecCredential","status":{"token":"canary-plugin","expirationTimestamp":"${expires}"}}'`
  const runs = async (): Promise<number> => (await readFile(count, 'utf8')).trim().split('\n').length
  const lasting = await accessOf(t, plugin(script('2099-01-01T00:00:00Z')))
  assert.equal((await lasting.token?.())?.reveal(), 'canary-plugin')
  assert.equal((await lasting.token?.())?.reveal(), 'canary-plugin')
  assert.equal(await runs(), 1)
  const over = await accessOf(t, plugin(script('2020-01-01T00:00:00Z')))
  await over.token?.()
  assert.equal(await runs(), 3)
})

test('a login program may give a certificate; one that fails or prints something else is named, and not what it printed', async (t) => {
  const status = '{"clientCertificateData":"C","clientKeyData":"canary-key"}'
  const pair = await accessOf(t, plugin(`echo '{"kind":"ExecCredential","status":${status}}'`))
  assert.equal(pair.certificate?.key.reveal(), 'canary-key')
  assert.equal(pair.token, undefined)
  for (const [script, kind] of [
    ['echo canary', 'denied'],
    [`echo '{"kind":"ExecCredential","status":{"clientKeyData":"canary"}}'`, 'denied'],
    ['echo canary; exit 1', 'toolFailed'],
  ] as const)
    await assert.rejects(accessOf(t, plugin(script)), (error: unknown) => {
      assert.ok(isFailure(error, kind), String(error))
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
