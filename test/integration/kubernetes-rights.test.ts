import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { kubernetesSecretsDriver as driver } from '../../src/components/kubernetes-secrets/driver.ts'
import { roleText } from '../../src/components/kubernetes-secrets/role.ts'
import { isFailure } from '../../src/core/failure.ts'
import { startKubernetes } from '../parts/kubernetes.ts'
import { base64, capturePoint, everything, fillNamespace } from '../parts/kubernetes-points.ts'
import { testContext } from '../parts/postgres.ts'

const kubernetes = await startKubernetes()
const context = testContext()
const bad = ({ level }: { readonly level: string }): boolean => level === 'error' || level === 'warning'

test('with nothing but the printed roles, by name and by label, a point is captured, restored and undone', async () => {
  for (const selection of [everything, { secretSelector: 'app=one', configMapSelector: 'app=one' }]) {
    const namespace = await kubernetes.namespace()
    await fillNamespace(kubernetes, namespace)
    const plain = kubernetes.settings(namespace, selection)
    const reader = await kubernetes.kubeconfigWith(namespace, parse(roleText(plain, 'capture')))
    const writer = await kubernetes.kubeconfigWith(namespace, parse(roleText(plain, 'restore')))
    const capturing = { ...plain, kubeconfig: reader }
    const findings = await driver.check(capturing, context)
    assert.deepEqual(
      findings.filter(bad).map(({ message }) => message),
      ['key newline ends with a line break, which is captured and restored as part of the value'],
    )
    const point = await capturePoint(capturing)
    const place = `/api/v1/namespaces/${namespace}/secrets`
    await kubernetes.must('DELETE', `${place}/app-keys`)
    await kubernetes.must('POST', place, {
      metadata: { name: 'app-keys' },
      immutable: true,
      data: { other: base64('x') },
    })
    const restoring = { ...plain, kubeconfig: writer }
    const target = await driver.open(restoring, { mode: 'swap', restoreId: '0a1b2c3d' }, context)
    assert.deepEqual(
      (await target.preflight(point.details, context)).filter(({ level }) => level === 'error'),
      [],
    )
    await target.load(point.details, point.source, context)
    await target.swap(point.details, context)
    assert.deepEqual(await target.compare(point.details, context), [])
    assert.equal((await driver.listRetained(restoring, context)).length, 1)
    await target.undo(context)
    await target.forget(context)
    // Who captures may not write, and finds that out before.
    assert.deepEqual(await driver.listRetained(capturing, context), selection === everything ? [] : [])
    const weak = await driver.open(capturing, { mode: 'swap', restoreId: '0a1b2c3d' }, context)
    const missing = await weak.preflight(point.details, context)
    assert.ok(
      missing.some(({ level, subject }) => level === 'error' && subject === `right to create secrets in ${namespace}`),
      JSON.stringify(missing),
    )
    if (selection !== everything) continue
    await kubernetes.must('POST', place, { metadata: { name: 'another' }, data: { key: base64('canary') } })
    for (const kubeconfig of [reader, writer]) {
      const other = { ...plain, secrets: ['another'], configMaps: [], kubeconfig }
      await assert.rejects(capturePoint(other), (error) => isFailure(error, 'denied'))
      const finding = (await driver.check(other, context)).find(({ level }) => level === 'error')
      assert.equal(finding?.subject, `right to get secrets another in ${namespace}`)
    }
  }
})

test('what is not there, not trusted or not allowed says so', async () => {
  const namespace = await kubernetes.namespace()
  const settings = kubernetes.settings(namespace, { secrets: ['nothing'] })
  await assert.rejects(
    capturePoint(settings),
    (error: unknown) => isFailure(error, 'notFound') && /has no Secret nothing/.test(error.message),
  )
  const none = kubernetes.settings(namespace, { secretSelector: 'app=none' })
  await assert.rejects(capturePoint(none), (error) => isFailure(error, 'notFound'))
  assert.equal(
    (await driver.check(none, context)).some(({ level }) => level === 'error'),
    true,
  )
  const expect = async (
    kubeconfig: string,
    kind: 'denied' | 'unreachable' | 'unsupported' | 'usage',
    pattern: RegExp,
  ): Promise<void> =>
    assert.rejects(capturePoint({ ...settings, kubeconfig, retrySeconds: 0.3 }), (error: unknown) => {
      assert.ok(isFailure(error, kind), String(error))
      assert.match(error.message, pattern)
      return true
    })
  const token = kubernetes.adminToken
  await expect(await kubernetes.writeKubeconfig({ token: 'wrong' }), 'denied', /login is not valid/)
  await expect(await kubernetes.writeKubeconfig({ exec: { command: 'aws' } }), 'usage', /wrong exec.apiVersion/)
  await expect(await kubernetes.writeKubeconfig({ username: 'me' }), 'unsupported', /logs in by username/)
  await expect(await kubernetes.writeKubeconfig({}), 'usage', /neither a token nor a certificate/)
  const noCa = { 'certificate-authority-data': undefined }
  await expect(await kubernetes.writeKubeconfig({ token }, noCa), 'unreachable', /certificate/)
  await expect(
    await kubernetes.writeKubeconfig({ token }, { server: 'https://127.0.0.1:1' }),
    'unreachable',
    /cannot be reached/,
  )
  await expect(
    await kubernetes.writeKubeconfig({ token }, { server: kubernetes.server.replace('https', 'http') }),
    'usage',
    /wrong server/,
  )
  const insecure = await kubernetes.writeKubeconfig({ token }, { ...noCa, 'insecure-skip-tls-verify': true })
  const findings = await driver.check({ ...settings, kubeconfig: insecure }, context)
  assert.ok(findings.some(({ level, message }) => level === 'warning' && message.includes('is not checked')))
})

test('a selector finds more than a page, and leaves out what restores keep and the tokens in Secrets of accounts', async () => {
  const namespace = await kubernetes.namespace()
  const place = `/api/v1/namespaces/${namespace}/configmaps`
  const names = Array.from({ length: 450 }, (_, n) => `c${String(n).padStart(3, '0')}`)
  for (const name of names) await kubernetes.must('POST', place, { metadata: { name, labels: { app: 'many' } } })
  await kubernetes.must('POST', place, { metadata: { name: 'own', labels: { app: 'many', 'holdfast-restore': 'x' } } })
  await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'account' } })
  await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/secrets`, {
    metadata: { name: 'token', annotations: { 'kubernetes.io/service-account.name': 'account' } },
    type: 'kubernetes.io/service-account-token',
  })
  const selection = {
    configMapSelector: 'app=many',
    secrets: ['token'],
    elsewhere: [{ file: '/nowhere/age.key', reason: 'opens the SOPS files' }],
  }
  const settings = kubernetes.settings(namespace, selection)
  const point = await capturePoint(settings)
  assert.deepEqual(
    point.details.objects.map(({ name }) => name),
    ['token', ...names],
  )
  assert.deepEqual(point.details.objects[0]?.keys, [])
  assert.deepEqual(point.notCaptured, [
    '/nowhere/age.key is kept elsewhere: opens the SOPS files.',
    'Secret token: the token in it, which the cluster writes into the Secret again.',
  ])
  const findings = await driver.check(settings, context)
  assert.deepEqual(
    findings.filter(bad).map(({ subject }) => subject),
    ['Secret token', 'file /nowhere/age.key'],
  )
})

test('one object that is denied or gone is named, and the others are captured', async () => {
  const namespace = await kubernetes.namespace()
  for (const name of ['a', 'b', 'c'])
    await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name },
      data: { key: base64('captured') },
    })
  const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'], resourceNames: ['b', 'c', 'gone'] }]
  const kubeconfig = await kubernetes.kubeconfigWith(namespace, { rules })
  const settings = kubernetes.settings(namespace, { secrets: ['a', 'b', 'gone', 'c'], kubeconfig })
  const point = await capturePoint(settings)
  assert.deepEqual(
    point.details.objects.map(({ name }) => name),
    ['b', 'c'],
  )
  assert.deepEqual(point.incomplete, [
    `Secret a: kubernetes: to read Secret a was refused: the right to get secrets in namespace ${namespace} is missing`,
    `Secret gone: namespace ${namespace} has no Secret gone`,
  ])
  await assert.rejects(capturePoint({ ...settings, secrets: ['a'] }), (error) => isFailure(error, 'denied'))
})
