import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RestorePlan } from '../../src/operations/restore/plan.ts'
import type { RestoreReport } from '../../src/operations/restore/report.ts'
import type { RetainedSummary } from '../../src/operations/undo/retained.ts'
import { Secret } from '../../src/core/secret.ts'
import { directEffects } from '../../src/system/effects.ts'
import { dyingEffects, type EffectAt } from '../parts/dying-effects.ts'
import { startPrivate } from '../parts/postgres.ts'
import type { Ran } from './holdfast.ts'
import { withEffects } from './in-process.ts'
import { startReadyLab } from './lab.ts'

/** A restore into another database and folder, from its plan to the day on which nothing of it is left. */

const lab = await startReadyLab()
const copyFolder = join(lab.folder, 'copy')
const secretFolder = join(lab.folder, 'secrets-copy')
const SECRETS = `--into=env.restoreFolder=${secretFolder}`
const PLACE = ['--into', 'database.database=portal_copy', '--into', `files.path=${copyFolder}`, SECRETS]

/** In this process, as many commands are run. */
const run = (...args: readonly string[]): Promise<Ran> => withEffects(lab, directEffects, ...args)

async function json<Document>(args: readonly string[]): Promise<Document> {
  const ran = await run(...args, '--json')
  assert.equal(ran.code, 0, ran.error)
  // The caller names the documented shape of what it asked for.
  return JSON.parse(ran.out) as Document
}

const ownSecret = join(lab.folder, 'app.key')
await writeFile(ownSecret, 'captured secret')
await lab.edit(({ apps }) => {
  apps['portal']!.components['env'] = { kind: 'secrets', secrets: { token: { file: ownSecret } } }
})
await json(['backup'])
await writeFile(ownSecret, 'live secret')
await lab.sql("update users set email = 'live-' || email; insert into job_history (what) values ('live')")
await writeFile(join(lab.files, 'master.key'), 'l'.repeat(32))

/** All that the app has, byte for byte, and whether it was put there anew. */
async function ownData(): Promise<unknown> {
  const [rows] = await lab.sql('select md5(string_agg(users::text, chr(10) order by id)) as hash from users')
  const [database] = await lab.sql(
    "select oid, shobj_description(oid, 'pg_database') as comment from pg_database where datname = 'portal'",
  )
  const key = await readFile(join(lab.files, 'master.key'), 'utf8')
  const secret = await readFile(ownSecret, 'utf8')
  return {
    rows,
    database,
    key,
    secret,
    points: (await json<{ points: unknown[] }>(['points', 'portal'])).points.length,
  }
}

const own = await ownData()

async function databases(): Promise<readonly unknown[]> {
  const rows = await lab.sql(
    "select datname from pg_database where datname like 'portal%' or datname like 'hf%' order by 1",
  )
  return rows.map(({ datname }) => datname)
}

async function copiedEmail(): Promise<unknown> {
  const [row] = await lab.postgres.sql('portal_copy', 'select email from public.users where id = 1')
  return row?.['email']
}

const copiedKey = (): Promise<string> => readFile(join(copyFolder, 'master.key'), 'utf8')
const retained = async (): Promise<readonly RetainedSummary[]> =>
  (await json<{ retained: readonly RetainedSummary[] }>(['undo', '--list'])).retained

async function assertCopied(): Promise<void> {
  assert.equal(await copiedEmail(), 'user1@example.org')
  assert.equal(await copiedKey(), 'k'.repeat(32))
  assert.equal(await readFile(join(secretFolder, 'token'), 'utf8'), 'captured secret')
  assert.deepEqual(await ownData(), own)
}

test('a restore goes into another database and folder, and the app stays as it is, byte for byte', async () => {
  const { plan } = await json<{ plan: RestorePlan }>(['restore', ...PLACE, '--dry-run'])
  const { database, files } = plan.into ?? {}
  assert.deepEqual([database, files], [{ database: 'portal_copy' }, { path: copyFolder }])
  assert.deepEqual([plan.safetyPoint, plan.confirmation], [false, 'portal_copy'])
  assert.deepEqual(await databases(), ['portal'])
  const restored = await run('restore', ...PLACE, '--yes')
  assert.equal(restored.code, 0, restored.error)
  assert.match(restored.error, /where: NOT the app's own place, but database.database=portal_copy, env.restoreFolder=/)
  assert.match(restored.error, /into database portal_copy on /)
  assert.match(restored.out, /the app's own data was not touched[^]*holdfast undo portal --restore/)
  await assertCopied()
})

test('what is there is retained, and comes back by the id of the restore, and not by undo alone', async () => {
  await lab.postgres.sql('portal_copy', "update public.users set email = 'copied-' || email")
  await writeFile(join(copyFolder, 'master.key'), 'mine')
  const { report } = await json<{ report: RestoreReport }>(['restore', ...PLACE, '--yes'])
  assert.equal(report.previous.length, 3)
  await assertCopied()
  assert.match((await run('undo', '--yes')).error, /no restore that can be undone/)
  assert.equal((await run('undo', '--restore', report.restoreId, '--yes')).code, 0)
  assert.deepEqual([await copiedEmail(), await copiedKey()], ['copied-user1@example.org', 'mine'])
  const { restoreId } = report
  assert.ok((await retained()).some((one) => one.restoreId === restoreId && one.into !== undefined))
  assert.equal((await run('undo', '--forget', restoreId, '--yes')).code, 0)
  assert.ok(!(await retained()).some((one) => one.restoreId === restoreId))
  assert.deepEqual(await ownData(), own)
})

const DEATHS: readonly EffectAt[] = [
  { name: 'files: rename the restored folder to live', occurrence: 1 },
  { name: 'sql COMMENT ON DATABASE live', occurrence: 1 },
]

test('in place it writes over what is there, without a safety point of the app', async () => {
  await lab.postgres.sql('portal_copy', "update public.users set email = 'copied-' || email")
  const ran = await run('restore', ...PLACE, '--target', 'in-place', '--yes')
  assert.equal(ran.code, 0, ran.error)
  assert.match(ran.error, /safety point first: none/)
  await assertCopied()
})

test('a restore that was cut off goes on, or is taken back, where it was', async () => {
  for (const at of DEATHS) {
    const effects = dyingEffects(at, 'before')
    await withEffects(lab, effects, 'restore', ...PLACE, '--yes').catch(() => undefined)
    assert.ok(effects.reached(), at.name)
    const alone = await run('restore', '--continue')
    assert.equal(alone.code, 10, alone.error)
    assert.match(alone.error, /--into database.database=portal_copy/)
    assert.equal((await run('restore', '--dry-run')).code, 0)
    assert.equal((await run('restore', ...PLACE, '--yes')).code, 13)
    const ran = await run('restore', ...PLACE, at === DEATHS[0] ? '--continue' : '--abandon')
    assert.equal(ran.code, 0, ran.error)
    await assertCopied()
  }
})

test('staged data goes there too, and prune removes what is over', async () => {
  for (const restoreId of new Set((await retained()).map((one) => one.restoreId)))
    assert.equal((await run('undo', '--forget', restoreId, '--yes')).code, 0)
  await lab.edit(({ apps }) => {
    for (const component of Object.values(apps['portal']!.components)) component['keepPreviousHours'] = 0.000_01
  })
  const staged = await run('restore', ...PLACE, '--target', 'stage')
  assert.match(
    staged.out,
    /holdfast restore portal --into database.database=portal_copy --into env.restoreFolder=\S+ --into files.path=\S+ --continue/,
  )
  assert.equal((await run('restore', ...PLACE, '--continue')).code, 0)
  assert.equal((await retained()).length, 3)
  const pruned = await run('prune')
  assert.equal(pruned.code, 0, pruned.error)
  assert.match(pruned.out, /database: removed database hf\S*portal_copy|database: removed database portal_copy/)
  assert.deepEqual(await retained(), [])
  assert.deepEqual(await databases(), ['portal', 'portal_copy'])
  assert.deepEqual(
    (await readdir(lab.folder)).filter((name) => name.includes('.holdfast-')),
    [],
  )
  await assertCopied()
})

test('a database of the same name goes to another server, with a password by reference and never by value', async () => {
  const other = await startPrivate()
  const { host, port, user, password } = other.server
  process.env['OTHER_PASSWORD'] = password instanceof Secret ? password.reveal() : 'none'
  const place = [`host=${host}`, `port=${port}`, `restoreUser=${user}`].map((part) => `--into=database.${part}`)
  const told = await run('restore', ...place, '--into=database.restorePassword=hunter2', '--component', 'database')
  assert.equal(told.code, 2, told.error)
  assert.match(told.error, /database.restorePassword: expected env:NAME/)
  assert.doesNotMatch(told.error, /hunter2/)
  const login = '--into=database.restorePassword=env:OTHER_PASSWORD'
  const ran = await run('restore', ...place, login, '--component', 'database', '--yes')
  assert.equal(ran.code, 0, ran.error)
  const [row] = await other.sql('portal', 'select email from public.users where id = 1')
  assert.equal(row?.['email'], 'user1@example.org')
  assert.deepEqual(await ownData(), own)
})

test('what the configuration names is refused, by whatever name, before anything is changed', async () => {
  await lab.postgres.createDatabase('billing')
  await mkdir(join(lab.folder, 'billing', 'keys'), { recursive: true })
  await symlink(join(lab.folder, 'billing'), join(lab.folder, 'link'))
  await lab.edit(({ apps }) => {
    const { database } = apps['portal']!.components
    const components = {
      rows: { ...database, database: 'billing' },
      keys: { kind: 'files', path: join(lab.folder, 'billing') },
    }
    apps['billing'] = { ...apps['portal']!, components }
  })
  // Another name of the same server.
  const other = join(lab.folder, 'server')
  await symlink(lab.postgres.server.host, other)
  const refusals: readonly (readonly [database: string, folder: string, told: RegExp])[] = [
    ['--into=database.database=billing', copyFolder, /component rows of app billing/],
    [`--into=database.host=${other}`, copyFolder, /component database of app portal/],
    ['--into=database.database=portal_copy', join(lab.folder, 'link', 'keys'), /component keys of app billing/],
    ['--into=database.database=portal_copy', join(lab.files, 'copy'), /component files of app portal/],
    ['--into=database.database=portal_copy', ownSecret, /component env of app portal/],
    ['--into=database.database=portal_copy', join(lab.repository, 'copy'), /repository main/],
  ]
  const before = await databases()
  for (const [database, folder, told] of refusals) {
    const ran = await run('restore', 'portal', database, `--into=files.path=${folder}`, SECRETS, '--yes')
    assert.equal(ran.code, 13, `${database} ${folder}: ${ran.error}`)
    assert.match(ran.error, told)
  }
  const renamed = ['--into=database.database=billing', `--into=database.host=${other}`]
  const ran = await run('restore', 'portal', ...renamed, '--component', 'database', '--yes')
  assert.equal(ran.code, 13, ran.error)
  assert.match(ran.error, /component rows of app billing/)
  assert.deepEqual(await databases(), before)
  assert.deepEqual(await ownData(), own)
})
