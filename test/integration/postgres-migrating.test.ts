import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readerOf } from '../../src/components/postgres/capture/capture.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { runTool } from '../../src/components/postgres/tools/tool-run.ts'
import { findTools } from '../../src/components/postgres/tools/tools.ts'
import { runBackup } from '../../src/operations/backup/run.ts'
import { asDriver, newTestHost } from '../../src/operations/testing/test-host.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'

/** An app that migrates while it is backed up: no point is incomplete, and no migration ends with an error. */
const postgres = await startPrivate()
const TABLES = Array.from({ length: 12 }, (_, index) => `t${index}`)
/** In milliseconds, one migration after the other without a rest. */
const MIGRATES_FOR = process.env['HOLDFAST_SOAK'] === '1' ? 12_000 : 7_000
const PADDING = `repeat(md5(n::text), 20)`

async function makeApp(name: string): Promise<void> {
  await postgres.createDatabase(name)
  const tables = TABLES.map(
    (table) => `create table public.${table} as select n, ${PADDING} as v from generate_series(1, 300) n;`,
  )
  await postgres.sql(
    name,
    `${tables.join('\n')}
    create table public.large as select n, ${PADDING} as v from generate_series(1, 20000) n;
    create sequence public.numbers; create view public.seen as select n from public.t0;`,
  )
}

/** Migrations, each one transaction; tables last to first, so that one who locks them first to last meets it halfway. */
const migrations: Readonly<Record<string, (round: number) => string>> = {
  'columns of all tables': (round) =>
    `begin; ${TABLES.toReversed()
      .map((table) => `alter table public.${table} add column c${round} int default ${round}; select pg_sleep(0.01);`)
      .join(' ')} commit;
    begin; ${TABLES.map((table) => `alter table public.${table} drop column c${round};`).join(' ')} commit; select pg_sleep(0.05)`,
  'tables, views and sequences made anew': (round) =>
    `begin; drop view public.seen; drop sequence public.numbers; create table public.new${round} (n int); select pg_sleep(0.05);
    create sequence public.numbers; create view public.seen as select n from public.t0 where n > ${round}; commit;
    drop table public.new${round}; select pg_sleep(0.02)`,
  'tables written anew': (round) =>
    `begin; alter table public.large alter column v set data type ${round % 2 === 0 ? 'text' : 'varchar'}; truncate public.t3;
    insert into public.t3 select n, ${PADDING} from generate_series(1, 300) n; commit; select pg_sleep(0.1)`,
}

for (const [index, [name, migration]] of Object.entries(migrations).entries()) {
  test(`${name} during backups`, { timeout: 300_000 }, async (t) => {
    const database = `app${index}`
    await makeApp(database)
    const testHost = await newTestHost()
    t.after(() => testHost.close())
    const settings = postgres.settings(database)
    const app = testHost.app([{ name: 'database', driver: asDriver(postgresDriver), settings }])
    let rounds = 0
    const migrating = (async () => {
      for (const end = performance.now() + MIGRATES_FOR; performance.now() < end; rounds += 1)
        await postgres.sql(database, migration(rounds))
    })()
    try {
      for (let count = 0; count < 2; count += 1) {
        const context = testHost.context()
        const plan = { app: app.name, point: context.newId() }
        const report = await runBackup(app, plan, context)
        assert.equal(report.outcome, 'done', JSON.stringify(report.components))
      }
    } finally {
      // Rejects with the error of a migration that was ended.
      await migrating
    }
    const notes = testHost.events.filter((event) => event.type === 'note')
    t.diagnostic(`${rounds} rounds, read again ${notes.length} times`)
    assert.ok(rounds > 4)
  })
}

test('a dump that waits in a circle gives up before the app does, however short the server waits', async () => {
  await makeApp('short')
  await postgres.sql('short', `alter database short set deadlock_timeout = '100ms'`)
  const settings = postgres.settings('short')
  const context = testContext()
  const server = readerOf(settings)
  const [tools] = await findTools(undefined, context)
  assert.ok(tools !== undefined)
  const migrating = postgres.sql(
    'short',
    'begin; lock table public.t9; select pg_sleep(0.7); lock table public.t0; commit;',
  )
  await context.clock.sleep(200, context.signal)
  const limits = { idleLimit: 30_000, totalLimit: 30_000 }
  const call = { tools, program: 'pg_dump', args: ['--schema-only'], server, database: 'short', limits } as const
  await assert.rejects(runTool(call, context), /LOCK TABLE/)
  await migrating
})
