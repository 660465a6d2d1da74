import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { startAuthentik } from '../apps/authentik/in-kubernetes.ts'
import { operatorIn } from '../apps/found-app.ts'
import { startFastApi } from '../apps/generic/in-kubernetes.ts'
import type { KubernetesApp } from '../apps/in-kubernetes.ts'
import { startKleidia } from '../apps/kleidia/in-kubernetes.ts'
import { startZitadel } from '../apps/zitadel/in-kubernetes.ts'
import { at } from '../parts/kubernetes.ts'

const limit = { timeout: 300_000 }
const [zitadel, authentik, kleidia, fastApi] = await Promise.all([
  startZitadel(),
  startAuthentik(),
  startKleidia(),
  startFastApi(),
])

function askFor(profile: string, { namespace, kubernetes }: KubernetesApp): readonly string[] {
  return ['--profile', profile, '--namespace', namespace, '--kubeconfig', kubernetes.kubeconfig]
}

const names = (list: unknown): readonly unknown[] => (list as readonly { name: string }[]).map(({ name }) => name)

test(
  'another profile is refused with what is there and what was looked for, and nothing is written',
  limit,
  async () => {
    const ran = await operatorIn(zitadel.folder).run('init', ...askFor('authentik', zitadel))
    assert.equal(ran.code, 10, ran.error)
    assert.match(ran.error, /holds no authentik; there is Deployment zitadel, .*StatefulSet zitadel-db/)
    assert.match(ran.error, /Looked for: .*AUTHENTIK_SECRET_KEY/)
    assert.deepEqual(await readdir(zitadel.folder), [])
  },
)

test('ZITADEL is found, and what is written passes check, backs up and plans a restore', limit, async () => {
  const { must, found } = operatorIn(zitadel.folder)
  const { said, text, app } = await found(...askFor('zitadel', zitadel))
  assert.match(said, /not captured, on purpose: StatefulSet redis: /)
  assert.match(text, /# Not captured, on purpose: StatefulSet redis: /)
  assert.doesNotMatch(said, /not decided/)
  const { namespace, kubernetes } = zitadel
  assert.deepEqual(app.platform, {
    kind: 'kubernetes',
    namespace,
    kubeconfig: kubernetes.kubeconfig,
    context: 'test',
    suspends: [{ kind: 'Kustomization', name: 'identity-internal', namespace }],
    pauses: [
      { kind: 'Deployment', name: 'zitadel-login' },
      { kind: 'Deployment', name: 'zitadel' },
    ],
  })
  const { database, keys } = app.components
  assert.deepEqual(
    [database?.['reach'], database?.['user'], database?.['database'], database?.['password']],
    [{ kind: 'kubernetes', statefulSet: 'zitadel-db' }, 'postgres', 'zitadel', 'inside:POSTGRES_PASSWORD'],
  )
  const secrets = ['iam-admin', 'iam-admin-pat', 'login-client', 'zitadel-db-secret', 'zitadel-secret']
  assert.deepEqual(keys?.['secrets'], secrets)
  const checked = await must('check')
  assert.match(checked, /key fit zitadel: fits/)
  assert.match(checked, /stops and starts Kustomization\/\S+ Deployment\/\S+\/zitadel-login, Deployment\/\S+\/zitadel/)
  assert.match(checked, /known of this app: Restore before init and setup/)
  await must('backup')
  const plan = await must('restore', '--dry-run')
  assert.match(plan, /stopped meanwhile: Deployment/)
  assert.match(plan, /afterwards 1: Check that ExternalDomain/)
})

test("authentik is found by its chart's names, with its key in a Secret taken in whole", limit, async () => {
  const { must, found } = operatorIn(authentik.folder)
  const { app } = await found(...askFor('authentik', authentik))
  assert.deepEqual(names(app.platform?.['pauses']), ['authentik-worker', 'authentik-server'])
  const { database, keys } = app.components
  assert.deepEqual(keys?.['secrets'], ['authentik', 'authentik-postgresql'])
  assert.deepEqual(
    [database?.['user'], database?.['restoreUser'], database?.['withoutRows']],
    ['authentik', 'postgres', ['public.django_channels_postgres_message']],
  )
  const checked = await must('check')
  assert.match(checked, /key fit authentik: not-provable/)
  assert.match(checked, /key fit .*secretKey [0-9a-f]{4,}/)
})

test('Kleidia is found by the names of its charts, and its OpenBao is named as not decided', limit, async () => {
  const { must, found } = operatorIn(kleidia.folder)
  const { said, text, app } = await found(...askFor('kleidia', kleidia))
  assert.deepEqual(names(app.platform?.['pauses']), ['backend', 'license-service'])
  const { database, keys } = app.components
  assert.deepEqual(
    [database?.['user'], database?.['database'], database?.['password']],
    ['kleidiauser', 'kleidia', undefined],
  )
  assert.deepEqual(keys?.['secrets'], ['openbao-backend-approle', 'openbao-unseal-key'])
  assert.match(said, /not decided: the secrets in StatefulSet kleidia-platform-openbao/)
  assert.match(text, /# openbao:\n +# {3}kind: openbao\n/)
  await must('check')
})

test("an app on Zalando's operator: the primary, its Secrets, and only who takes them", limit, async () => {
  const { must, found } = operatorIn(fastApi.folder)
  const { app } = await found(...askFor('generic', fastApi))
  assert.deepEqual(names(app.platform?.['pauses']), ['fastapi'])
  const { database, keys } = app.components
  assert.deepEqual(
    [database?.['reach'], database?.['database'], database?.['password']],
    [
      { kind: 'kubernetes', cluster: { operator: 'zalando', name: 'acid-api' } },
      'fastapi',
      'inside:PGPASSWORD_SUPERUSER',
    ],
  )
  const path = `/api/v1/namespaces/${fastApi.namespace}/secrets`
  const there = at(await fastApi.kubernetes.must('GET', path), 'items') as readonly { metadata: { name: string } }[]
  const ofOperator = there.map(({ metadata }) => metadata.name).filter((name) => name.includes('.credentials.'))
  assert.deepEqual(keys?.['secrets'], ofOperator.toSorted())
  await must('check')
})

test('a second database is refused by name, and nothing is written', limit, async () => {
  await authentik.workload('StatefulSet', 'second-postgresql', {})
  const folder = `${authentik.folder}/second`
  const ran = await operatorIn(authentik.folder).run('--config', folder, 'init', ...askFor('generic', authentik))
  assert.match(ran.error, /more than one database .*: StatefulSet authentik-postgresql, StatefulSet second-postgresql/)
  assert.ok(!(await readdir(authentik.folder)).includes('second'))
})
