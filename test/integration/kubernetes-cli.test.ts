import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { ShapeCheck, shapesOf } from '../cli/shape.ts'
import { holdfast } from '../e2e/holdfast.ts'
import { at, startKubernetes } from '../parts/kubernetes.ts'
import { base64, everything, fillNamespace } from '../parts/kubernetes-points.ts'

const kubernetes = await startKubernetes()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
after(() => rm(folder, { recursive: true, force: true }))
const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'cli-output.md'), 'utf8')
const config = join(folder, 'holdfast.yaml')
const said: string[] = []

async function run(...args: readonly string[]): Promise<string> {
  const { code, out, error } = await holdfast(folder, args, { HOLDFAST_PASSWORD: 'correct horse battery staple' })
  said.push(out, error)
  assert.equal(code, 0, `holdfast ${args.join(' ')}: ${out}\n${error}`)
  return out
}

test('the whole job by the command line, and no value in what it prints', { timeout: 600_000 }, async () => {
  const namespace = await kubernetes.namespace()
  await fillNamespace(kubernetes, namespace)
  const secret = `/api/v1/namespaces/${namespace}/secrets/app-keys`
  const value = async (): Promise<unknown> => at(await kubernetes.must('GET', secret), 'data', 'masterkey')
  await run(
    '-c',
    config,
    'init',
    '--repository',
    `file://${folder}/repository`,
    '--identity-file',
    join(folder, 'id.txt'),
  )
  const written = parse(await readFile(config, 'utf8')) as {
    state?: string
    apps: Record<string, { components: unknown }>
  }
  const app = Object.values(written.apps)[0]
  assert.ok(app)
  app.components = { keys: { kind: 'kubernetes-secrets', namespace, kubeconfig: kubernetes.kubeconfig, ...everything } }
  written.state = join(folder, 'state')
  await writeFile(config, stringify(written), { mode: 0o600 })
  const { policies } = JSON.parse(await run('policy', 'kubernetes', 'restore', '--json')) as { policies: unknown[] }
  assert.deepEqual(new ShapeCheck(shapesOf(page)).problems('policy kubernetes', { policies }), [])
  assert.equal(at(parse(String(at(policies[0], 'policy'))), 'kind'), 'Role')
  await run('check')
  await run('backup')
  await run('verify', 'latest')
  await run('drill')
  assert.match(await run('show', 'latest'), /secret\/app-keys\/masterkey/)
  const live = (await kubernetes.must('GET', secret)) as { readonly data: object }
  await kubernetes.must('PUT', secret, { ...live, data: { ...live.data, masterkey: base64('canary-live') } })
  assert.match(await run('restore', '--dry-run'), /key masterkey: now fingerprint/)
  await run('restore', '--yes')
  assert.equal(await value(), base64('canary-captured'))
  await run('undo', '--yes')
  assert.equal(await value(), base64('canary-live'))
  await run('show', 'latest', '--json')
  const all = said.join('')
  for (const canary of ['canary-captured', 'canary-live', 'canary-in-an-annotation', 'canary-tls'])
    for (const form of [canary, base64(canary)]) assert.ok(!all.includes(form), `${form} was printed`)
})
