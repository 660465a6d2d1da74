import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect } from '../../src/components/postgres/connection/connection.ts'
import { Secret } from '../../src/core/secret.ts'
import { captureInto, openTarget, restoreWhole } from '../parts/postgres-restore.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'

/** A role that a restore makes gets the password that the app has in its environment file. */
const context = testContext()
const from = await startPrivate()
const to = await startPrivate()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-url-'))
after(() => rm(folder, { recursive: true, force: true }))
const file = join(folder, '.env')
await writeFile(file, `DATABASE_URL=postgres://shop_app:o%27pen@localhost/shop\n`)
await from.sql('postgres', `create role shop_app login; create role shop_other login`)
await from.createDatabase('shop')
await from.sql(
  'shop',
  `alter database shop owner to shop_app; create table public.items (id int); alter table public.items owner to shop_app; grant select on public.items to shop_other`,
)
const captured = await captureInto(from.settings('shop'), context)

test('the app goes on logging in after a restore to a server that never knew it', async () => {
  const settings = to.settings('shop', { from: { file, name: 'DATABASE_URL' } })
  const target = await openTarget(settings)
  const findings = await target.preflight(captured.details, context)
  const said = findings.map(({ level, message }) => `${level}: ${message}`).join('\n')
  assert.match(said, /ok: will be created with the password in \S+: shop_app/)
  assert.match(said, /warning: will be created without password: shop_other/)
  await restoreWhole(target, captured, context)
  const { host, port } = settings
  const app = {
    host,
    port,
    user: 'shop_app',
    password: new Secret(`o'pen`),
    tls: 'disable',
    tlsCa: undefined,
    through: undefined,
  } as const
  const session = await connect(app, 'shop', context)
  await session.query('select * from public.items')
  await session.end()
  await assert.rejects(connect({ ...app, password: new Secret('other') }, 'shop', context))
  const [kept] = await to.sql('postgres', `select rolpassword from pg_authid where rolname = 'shop_app'`)
  assert.match(String(kept?.['rolpassword']), /^SCRAM-SHA-256\$4096:/)
})
