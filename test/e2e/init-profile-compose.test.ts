import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { startAuthentik } from '../apps/authentik/in-compose.ts'
import { startCertctl } from '../apps/certctl/in-compose.ts'
import { operatorIn } from '../apps/found-app.ts'

const limit = { timeout: 300_000 }
const authentik = await startAuthentik()
const certctl = await startCertctl()

test('a place that is not there, two places and none make nothing', limit, async () => {
  const { run } = operatorIn(authentik.folder)
  const engine = ['--engine', authentik.engine]
  const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['--profile', 'authentik'], 2, /--profile needs a place/],
    [['--profile', 'authentik', '--host', '--namespace', 'a'], 2, /--profile takes one place/],
    [['--profile', 'nothing', '--host'], 2, /There is: zitadel, certctl, authentik, kleidia, generic/],
    [['--compose', 'a'], 2, /--compose needs --profile/],
    [['--profile', 'authentik', '--app', 'authentik', '--host'], 2, /--profile and --app each write/],
    [['--profile', 'kleidia', '--host'], 31, /nothing is known of kleidia on a host/],
    [['--profile', 'authentik', '--compose', 'no-such', ...engine], 10, /There are: .*test-/],
    [['--profile', 'authentik', '--compose', '/no/compose.yaml', ...engine], 10, /no project of compose file/],
    [
      ['--profile', 'zitadel', '--compose', authentik.project.name, ...engine],
      10,
      /there is service postgresql, service redis/,
    ],
  ]
  for (const [args, code, says] of wrong) {
    const ran = await run('init', ...args)
    assert.equal(ran.code, code, ran.error)
    assert.match(ran.error, says)
  }
  assert.deepEqual(await readdir(authentik.folder), [])
})

test('authentik in compose is found by its variables, checked and backed up', limit, async () => {
  const { must, found } = operatorIn(authentik.folder)
  const asked = ['--profile', 'authentik', '--compose', authentik.project.name, '--engine', authentik.engine]
  const { said, app } = await found(...asked)
  assert.deepEqual(app.platform?.['services'], ['worker', 'server'])
  assert.match(said, /not captured, on purpose: service redis/)
  assert.match(await must('init', ...asked), /--profile: is for a new configuration/)
  assert.deepEqual(Object.keys(app.components).toSorted(), ['database', 'keys', 'media'])
  assert.deepEqual(app.components['media']?.['reach'], { kind: 'compose', service: 'worker' })
  const secret = app.components['keys']?.['secrets'] as Record<string, { yamlKey: string[] }>
  assert.deepEqual(secret['secret-key']?.yamlKey, ['services', 'server', 'environment', 'AUTHENTIK_SECRET_KEY'])
  assert.match(await must('check'), /known of versions: Start the release/)
  const made = await must('backup')
  assert.match(made, /django_channels_postgres_message/)
})

test('certctl in compose: its agents stop first, and only tables that are there are disposable', limit, async () => {
  const { must, found } = operatorIn(certctl.folder)
  const { app } = await found('--profile', 'certctl', '--compose', certctl.project.name, '--engine', certctl.engine)
  assert.deepEqual(app.platform?.['services'], ['certctl-agent', 'certctl-server'])
  assert.deepEqual(app.components['database']?.['withoutRows'], ['public.ocsp_response_cache'])
  assert.deepEqual(app.keyFit, [
    { kind: 'recipe', recipe: 'certctl', keys: { configKey: { component: 'keys', secret: 'config-key' } } },
  ])
  await must('check')
})
