import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { KEY, OTHER_KEY, startCertctlLab, verdictsOf, type Reported } from '../e2e/certctl-lab.ts'
import { recoveryPython } from '../e2e/recovery-python.ts'
import { at, startKubernetes } from '../parts/kubernetes.ts'
import { base64 } from '../parts/kubernetes-points.ts'

const NAME = 'secret/certctl-server/config-key'
const kubernetes = await startKubernetes()
const { kubeconfig } = kubernetes
const namespace = await kubernetes.namespace()
const place = `/api/v1/namespaces/${namespace}/secrets`
await kubernetes.must('POST', place, secretOf(KEY))
const component = { kind: 'kubernetes-secrets', namespace, kubeconfig, secrets: ['certctl-server'] }
const lab = await startCertctlLab(component, NAME)

function secretOf(key: string): unknown {
  return { metadata: { name: 'certctl-server', labels: { app: 'certctl' } }, data: { 'config-key': base64(key) } }
}

const liveKey = async (): Promise<unknown> =>
  at(await kubernetes.must('GET', `${place}/certctl-server`), 'data', 'config-key')

test('the key that a Secret has fits, at backup and in the drill, and is shown as a fingerprint', async () => {
  const made = await lab.json<Reported>(['backup', 'portal'])
  assert.deepEqual([made.report.outcome, verdictsOf(made)], ['done', ['fits']], JSON.stringify(made.report))
  assert.deepEqual(verdictsOf(await lab.json<Reported>(['drill', 'portal'])), ['fits'])
  const { out } = await lab.run('show', 'latest')
  const fingerprint = made.report.keyFit[0]?.keys[0]?.fingerprint ?? 'none'
  assert.match(fingerprint, /^[0-9a-f]{16}$/)
  assert.ok(out.includes(fingerprint) && out.includes(NAME) && !out.includes(KEY) && !out.includes(base64(KEY)), out)
})

test('a key that was rotated in the Secret makes the point incomplete and stops its restore; the older is restored', async () => {
  const good = (await lab.json<{ points: { point: string }[] }>(['points', 'portal'])).points[0]?.point ?? ''
  await kubernetes.must('PUT', `${place}/certctl-server`, secretOf(OTHER_KEY))
  const made = await lab.json<Reported>(['backup', 'portal'], 3)
  assert.deepEqual([made.report.outcome, verdictsOf(made)], ['incomplete', ['does-not-fit']])
  const restore = (point: string): string[] => ['restore', 'portal', '--at', point, '--yes', '--no-safety-point']
  const stopped = await lab.json<{ report: { failure: { message: string } } }>(restore(made.report.point), 13)
  assert.match(stopped.report.failure.message, /key configKey .* does not open the restored data/)
  assert.equal(await liveKey(), base64(OTHER_KEY))
  const restored = await lab.json<Reported>(restore(good))
  assert.deepEqual([restored.report.outcome, verdictsOf(restored)], ['done', ['fits']])
  assert.equal(await liveKey(), base64(KEY))
})

test('recover.py writes objects that the server takes', async () => {
  const target = join(lab.folder, 'recovered')
  const identity = ['--identity', join(lab.folder, 'etc', 'identity.txt')]
  const script = join(lab.repository, 'recover.py')
  const { stdout } = await promisify(execFile)(
    await recoveryPython(),
    [script, 'extract', lab.repository, 'latest', target, ...identity],
    { cwd: lab.folder },
  )
  assert.match(stdout, new RegExp(`kubectl -n ${namespace} apply --server-side -f keys-secrets-kubectl\\.json`))
  const { items } = JSON.parse(await readFile(join(target, 'keys-secrets-kubectl.json'), 'utf8')) as {
    items: unknown[]
  }
  const other = await kubernetes.namespace()
  // What kubectl does with each object of a list.
  for (const item of items)
    await kubernetes.must('POST', `/api/v1/namespaces/${other}/${at(item, 'kind') === 'Secret' ? 'secrets' : ''}`, item)
  const made = await kubernetes.must('GET', `/api/v1/namespaces/${other}/secrets/certctl-server`)
  assert.equal(at(made, 'data', 'config-key'), base64(OTHER_KEY))
  assert.equal(at(made, 'metadata', 'labels', 'app'), 'certctl')
})
