import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Driver } from '../../src/components/driver.ts'
import type { RestoreTarget, TargetRequest } from '../../src/components/target.ts'
import { filesDriver } from '../../src/components/files/driver.ts'
import { placesOf } from '../../src/components/files/restore/places.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { restoreNames } from '../../src/components/postgres/names.ts'
import type { App, AppComponent } from '../../src/operations/app.ts'
import { planBackup } from '../../src/operations/backup/plan.ts'
import { runBackup } from '../../src/operations/backup/run.ts'
import type { DrillReport } from '../../src/operations/drill/report.ts'
import { drillIn } from '../../src/operations/testing/drill-in.ts'
import { asDriver, newTestHost } from '../../src/operations/testing/test-host.ts'
import { startPostgres } from '../parts/postgres.ts'

/** A drill must read what was restored. Each test changes one thing in it between load and comparison, behind Holdfast's back. */
const postgres = await startPostgres()
const testHost = await newTestHost()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-drill-'))
const keys = join(folder, 'keys')

before(async () => {
  await postgres.createDatabase('app')
  await postgres.sql(
    'app',
    `set search_path = public;
    create table users (id serial primary key, email text not null);
    create index users_by_email on users (email);
    insert into users (email) select 'user' || n || '@example.org' from generate_series(1, 20) n;
    select lo_from_bytea(4711, decode(repeat('ab', 5000), 'hex'));
    create role drill_reader nologin;
    grant select on users to drill_reader`,
  )
  await mkdir(keys)
  await writeFile(join(keys, 'master.key'), 'a key', { mode: 0o600 })
  await runBackup(appOf(), await planBackup(appOf(), testHost.context()), testHost.context())
})

after(async () => {
  await testHost.close()
  await rm(folder, { recursive: true, force: true })
})

type Defect = (request: TargetRequest) => Promise<unknown>

/** The driver, whose targets get the defect as soon as they are loaded. */
function planting(driver: Driver, defect: Defect | undefined): Driver {
  if (defect === undefined) return driver
  return {
    ...driver,
    async open(settings, request, context) {
      const target = await driver.open(settings, request, context)
      return loadedWith(target, () => defect(request))
    },
  }
}

function loadedWith(target: RestoreTarget, defect: () => Promise<unknown>): RestoreTarget {
  return new Proxy(target, {
    get(inner, name) {
      const value: unknown = Reflect.get(inner, name, inner)
      if (typeof value !== 'function') return value
      if (name !== 'load') return value.bind(inner) as unknown
      return async (...args: Parameters<RestoreTarget['load']>) => {
        await inner.load(...args)
        await defect()
      }
    },
  })
}

interface Defects {
  readonly database?: Defect
  readonly files?: Defect
}

function appOf(defects: Defects = {}): App {
  const components: AppComponent[] = [
    {
      name: 'database',
      driver: planting(asDriver(postgresDriver), defects.database),
      settings: postgres.settings('app'),
    },
    {
      name: 'files',
      driver: planting(asDriver(filesDriver), defects.files),
      settings: filesDriver.settings.parse({ kind: 'files', path: keys }),
    },
  ]
  return testHost.app(components)
}

async function drill(defects: Defects): Promise<DrillReport> {
  return drillIn(appOf(defects), testHost.context())
}

/** The outcome is in the report, and signed in the repository; nothing of the drill is left. */
async function assertDrilled(report: DrillReport, ok: boolean, subjects: readonly string[]): Promise<void> {
  assert.equal(report.failure, undefined)
  const found = report.differences.map(({ subject }) => subject)
  for (const subject of subjects)
    assert.ok(
      found.some((one) => one.includes(subject)),
      `no ${subject} in ${JSON.stringify(report.differences)}`,
    )
  assert.equal(report.differences.length, subjects.length, JSON.stringify(report.differences))
  assert.equal(report.ok, ok)
  const { points } = await (await testHost.repository()).catalog(testHost.context())
  assert.equal(points[0]?.proofs.filter(({ kind }) => kind === 'drill').at(-1)?.ok, ok)
  assert.deepEqual(
    await postgres.sql('postgres', `select datname from pg_database where datname like 'app\\_\\_%'`),
    [],
  )
}

test('a drill of what was captured is green', async () => {
  await assertDrilled(await drill({}), true, [])
})

const sqlDefects: Readonly<Record<string, readonly [sql: string, ...subjects: string[]]>> = {
  'a row gone': ['delete from users where id = 7', 'rows of public.users'],
  'a row changed': [`update users set email = 'x' where id = 7`, 'public.users'],
  'a sequence behind': [`select setval('users_id_seq', 19)`, 'users_id_seq'],
  'a grant missing': ['revoke select on users from drill_reader', 'ACL'],
  'an index missing': ['drop index users_by_email', 'users_by_email'],
  'a large object cut': ['select lo_truncate(lo_open(4711, 393216), 4999)', '4711'],
}

for (const [name, [text, ...subjects]] of Object.entries(sqlDefects)) {
  test(`a drill is red for ${name}`, async () => {
    const database: Defect = ({ restoreId }) =>
      postgres.sql(restoreNames('app', restoreId).side, `set search_path = public; begin; ${text}; commit`)
    await assertDrilled(await drill({ database }), false, subjects)
  })
}

const fileDefects: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  'a file mode changed': (path) => chmod(path, 0o644),
  'file content changed': (path) => writeFile(path, 'A key'),
  'a file gone': (path) => rm(path),
}

for (const [name, act] of Object.entries(fileDefects)) {
  test(`a drill is red for ${name}`, async () => {
    const files: Defect = (request) => act(join(placesOf(keys, request).loaded, 'master.key'))
    const report = await drill({ files })
    assert.ok(
      report.differences.some(({ subject }) => subject.includes('master.key')),
      JSON.stringify(report.differences),
    )
    assert.equal(report.ok, false)
  })
}
