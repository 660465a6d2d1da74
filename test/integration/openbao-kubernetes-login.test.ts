import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkOpenbao } from '../../src/components/openbao/capture/check.ts'
import { withClient } from '../../src/components/openbao/client/connect.ts'
import { policyFor } from '../../src/components/openbao/capture/policies.ts'
import type { OpenbaoSettings } from '../../src/components/openbao/schema.ts'
import { isFailure } from '../../src/core/failure.ts'
import type { Failure } from '../../src/core/failure.ts'
import { at, startOwnKubernetes } from '../parts/kubernetes.ts'
import { startOpenbao } from '../parts/openbao.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

/** A pod's way in: OpenBao asks the API server whose token it was given. */
const [{ kubernetes }, bao] = [await startOwnKubernetes(async () => []), await startOpenbao('raft')]
const folder = await mkdtemp(join(tmpdir(), 'holdfast-logins-'))
after(() => rm(folder, { recursive: true, force: true }))
const context = testContext()
const limit = { timeout: 300_000 }
const AUDIENCE = 'openbao'
const namespace = await kubernetes.namespace()
const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`

for (const name of ['reviewer', 'backup', 'stranger', 'leaver', 'gone'])
  await kubernetes.must('POST', accounts, { metadata: { name } })
await kubernetes.must('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
  metadata: { name: `reviewer-${namespace}` },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:auth-delegator' },
  subjects: [{ kind: 'ServiceAccount', name: 'reviewer', namespace }],
})
await bao.must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
for (let n = 0; n < 30; n += 1) await bao.must('POST', `s/data/f/${n}`, { data: { n } })
await bao.must('PUT', 'sys/policies/acl/reads', { policy: await policyFor(bao.settings(), 'capture', context) })
await bao.must('POST', 'sys/auth/kubernetes', { type: 'kubernetes' })
await bao.must('POST', 'auth/kubernetes/config', {
  kubernetes_host: kubernetes.server,
  kubernetes_ca_cert: kubernetes.ca,
  token_reviewer_jwt: await tokenOf('reviewer', []),
  disable_local_ca_jwt: true,
})
await makeRole('backup', 'backup,gone')

/** From the TokenRequest API, as a projected volume gets it. */
async function tokenOf(account: string, audiences: readonly string[] = [AUDIENCE]): Promise<string> {
  const spec = { expirationSeconds: 600, ...(audiences.length === 0 ? {} : { audiences }) }
  return String(at(await kubernetes.must('POST', `${accounts}/${account}/token`, { spec }), 'status', 'token'))
}

async function makeRole(name: string, account: string, over: Readonly<Record<string, unknown>> = {}): Promise<void> {
  await bao.must('POST', `auth/kubernetes/role/${name}`, {
    bound_service_account_names: account,
    bound_service_account_namespaces: namespace,
    audience: AUDIENCE,
    token_policies: ['reads'],
    token_ttl: '1h',
    ...over,
  })
}

const file = join(folder, 'token')
const settings = (over: Readonly<Record<string, unknown>> = {}, more = {}): OpenbaoSettings =>
  bao.settings({ kubernetes: { role: 'backup', tokenFile: file, ...over }, snapshot: 'off', ...more })
const give = (token: string): Promise<void> => writeFile(file, `${token}\n`, { mode: 0o600 })

test(
  'a pod captures with the token of its service account and nothing else, and leaves no token behind',
  limit,
  async () => {
    const tokens = async (): Promise<unknown> => at(await bao.must('GET', 'auth/token/accessors?list=true'), 'data')
    const before = await tokens()
    await give(await tokenOf('backup'))
    const point = await captureToMemory(settings())
    assert.equal(point.details.secrets, 30)
    assert.ok((await checkOpenbao(settings(), context)).every(({ level }) => level !== 'error'))
    await assert.rejects(
      withClient(settings(), 'capture', context, (client) =>
        client.call({ method: 'POST', path: 's/data/f/0', body: { data: {} } }),
      ),
      denied(/permission denied/),
    )
    assert.deepEqual(await tokens(), before)
  },
)

test('each login reads the file anew, as the kubelet replaces it', limit, async () => {
  await makeRole('short', 'backup,leaver', { token_ttl: '1s', token_max_ttl: '2s' })
  await give(await tokenOf('leaver'))
  await withClient(settings({ role: 'short' }, { retrySeconds: 1 }), 'capture', context, async (client) => {
    const who = async (): Promise<unknown> =>
      at((await client.call({ path: 'auth/token/lookup-self' })).body, 'data', 'meta', 'service_account_name')
    assert.equal(await who(), 'leaver')
    await give(await tokenOf('backup'))
    await kubernetes.must('DELETE', `${accounts}/leaver`)
    await untilIt(async () => (await who()) === 'backup')
    await give('rubbish')
    await assert.rejects(
      untilIt(async () => (await who()) === 'nobody'),
      denied(/login was refused: permission denied.*role short.*token/),
    )
  })
})

test('who is not let in is told why, and which file and role it was about', limit, async () => {
  const deleted = await tokenOf('gone')
  await kubernetes.must('DELETE', `${accounts}/gone`)
  for (const [token, role, why] of [
    [await tokenOf('backup', ['other']), 'backup', /invalid audience/],
    [await tokenOf('stranger'), 'backup', /service account name not authorized/],
    [deleted, 'backup', /permission denied/],
    [await tokenOf('backup'), 'nobody', /invalid role name/],
  ] as const) {
    await give(token)
    await assert.rejects(captureToMemory(settings({ role })), (error: unknown) => {
      assert.ok(denied(why)(error))
      // The way out names the three things that are wrong in practice.
      assert.match(error.hint ?? '', /service account.*role.*audience/)
      assert.ok(error.message.includes(`role ${role}`) && error.message.includes(file), error.message)
      assert.ok(!`${error.message}${error.hint}`.includes(token))
      return true
    })
    assert.deepEqual(
      (await checkOpenbao(settings({ role }), context)).map(({ level }) => level),
      ['error'],
    )
  }
})

test('a token file that is missing or empty is named, and nothing is sent', limit, async () => {
  const tokenFile = join(folder, 'none')
  const nobody = { address: 'http://127.0.0.1:9', retrySeconds: 0.2 }
  await assert.rejects(
    captureToMemory(settings({ tokenFile }, nobody)),
    (error: unknown) => isFailure(error, 'notFound') && error.message.includes(tokenFile),
  )
  await writeFile(tokenFile, '\n')
  await assert.rejects(
    captureToMemory(settings({ tokenFile }, nobody)),
    (error: unknown) => isFailure(error, 'usage') && error.message.includes(`${tokenFile} is empty`),
  )
})

function denied(why: RegExp): (error: unknown) => error is Failure {
  return (error): error is Failure => isFailure(error, 'denied') && why.test(error.message)
}

async function untilIt(holds: () => Promise<boolean>): Promise<void> {
  for (let tried = 0; tried < 80; tried += 1) {
    if (await holds()) return
    await context.clock.sleep(100, context.signal)
  }
  assert.fail('it never held')
}

test('an API server that OpenBao does not reach is a refusal to us, and the hint names it', limit, async () => {
  await bao.must('POST', 'sys/auth/nobody', { type: 'kubernetes' })
  const config = {
    kubernetes_host: 'https://127.0.0.1:9',
    kubernetes_ca_cert: kubernetes.ca,
    disable_local_ca_jwt: true,
  }
  await bao.must('POST', 'auth/nobody/config', { ...config, token_reviewer_jwt: await tokenOf('reviewer', []) })
  const role = {
    bound_service_account_names: 'backup',
    bound_service_account_namespaces: namespace,
    audience: AUDIENCE,
  }
  await bao.must('POST', 'auth/nobody/role/backup', role)
  await give(await tokenOf('backup'))
  await assert.rejects(captureToMemory(settings({ mount: 'nobody' }, { retrySeconds: 0.5 })), (error: unknown) => {
    return denied(/permission denied/)(error) && /could not ask the API server/.test(error.hint ?? '')
  })
})
