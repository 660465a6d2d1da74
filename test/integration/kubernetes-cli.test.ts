import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { ShapeCheck, shapesOf } from '../cli/shape.ts'
import { startKeysLab } from '../e2e/keys-lab.ts'
import { at, startKubernetes } from '../parts/kubernetes.ts'
import { base64, everything, fillNamespace } from '../parts/kubernetes-points.ts'

const kubernetes = await startKubernetes()
const lab = await startKeysLab()
const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'reference', 'cli-output.md'), 'utf8')

test('the whole job by the command line, and no value in what it prints', { timeout: 600_000 }, async () => {
  const namespace = await kubernetes.namespace()
  await fillNamespace(kubernetes, namespace)
  const secret = `/api/v1/namespaces/${namespace}/secrets/app-keys`
  const value = async (): Promise<unknown> => at(await kubernetes.must('GET', secret), 'data', 'masterkey')
  const { kubeconfig } = kubernetes
  await lab.configure({ kind: 'kubernetes-secrets', namespace, kubeconfig, ...everything })
  const { rights } = JSON.parse(await lab.must('rights', 'kubernetes', 'restore', '--json')) as { rights: unknown[] }
  assert.deepEqual(new ShapeCheck(shapesOf(page)).problems('rights kubernetes', { rights }), [])
  assert.equal(at(parse(String(at(rights[0], 'text'))), 'kind'), 'Role')
  await lab.must('check')
  await lab.must('backup')
  await lab.must('verify', 'latest')
  await lab.must('drill')
  assert.match(await lab.must('show', 'latest'), /secret\/app-keys\/masterkey/)
  const live = (await kubernetes.must('GET', secret)) as { readonly data: object }
  await kubernetes.must('PUT', secret, { ...live, data: { ...live.data, masterkey: base64('canary-live') } })
  assert.match(await lab.must('restore', '--dry-run'), /key masterkey: now fingerprint/)
  await lab.must('restore', '--yes')
  assert.equal(await value(), base64('canary-captured'))
  await lab.must('undo', '--yes')
  assert.equal(await value(), base64('canary-live'))
  await intoAnotherNamespace(async () => assert.equal(await value(), base64('canary-live')))
  await lab.must('show', 'latest', '--json')
  const all = lab.said()
  for (const canary of ['canary-captured', 'canary-live', 'canary-in-an-annotation', 'canary-tls'])
    for (const form of [canary, base64(canary)]) assert.ok(!all.includes(form), `${form} was printed`)
})

async function intoAnotherNamespace(assertOwn: () => Promise<void>): Promise<void> {
  const namespace = await kubernetes.namespace()
  const secret = `/api/v1/namespaces/${namespace}/secrets/app-keys`
  const into = ['--into', `keys.namespace=${namespace}`]
  const { report } = JSON.parse(await lab.must('restore', '--yes', ...into, '--json')) as {
    readonly report: { readonly restoreId: string }
  }
  assert.equal(at(await kubernetes.must('GET', secret), 'data', 'masterkey'), base64('canary-captured'))
  await assertOwn()
  await lab.must('undo', '--yes', '--restore', report.restoreId)
  await assert.rejects(kubernetes.must('GET', secret))
  await assertOwn()
}
