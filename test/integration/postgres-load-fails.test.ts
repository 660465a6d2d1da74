import assert from 'node:assert/strict'
import { test } from 'node:test'
import { captureStored } from '../parts/postgres-stored.ts'
import { openTarget } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

/** What fails late in a load beside, when all rows are there already: the live database never notices. */
const postgres = await startPostgres()
const context = testContext()

/** A function of an index that fails only where it is restored, and there only in statements that begin like this. */
const failing = (statement: string): string => `
  create function public.fails(a int) returns int immutable language plpgsql as $$ begin
    if current_database() like '%\\_\\_r\\_%' and current_query() ~* '^ *${statement}' then raise exception 'planted in ${statement}'; end if; return a; end $$;
  create index late on public.rows (public.fails(a));`

for (const [statement, lanes] of [
  ['create index', false],
  ['create index', true],
] as const) {
  test(`${statement} fails while a restore loads ${lanes ? 'lanes' : 'a dump'}: the live database is untouched`, async () => {
    await postgres.createDatabase('late')
    await postgres.sql(
      'late',
      `create table public.rows (a int, body text); insert into public.rows select n, repeat(md5(n::text), ${lanes ? 20 : 1}) from generate_series(1, 30000) n;
      ${failing(statement)} analyze`,
    )
    const stored = await captureStored(postgres.settings('late'), context)
    assert.equal(stored.details.lanes.length > 0, lanes)
    const before = await live()
    const target = await openTarget(postgres.settings('late'))
    await assert.rejects(target.load(stored.details, stored.source, context), new RegExp(`planted in ${statement}`))
    assert.equal(await target.state(context), 'untouched')
    assert.deepEqual(await live(), before)
  })
}

/** The database itself, what it holds, and that it takes writes. */
async function live(): Promise<unknown> {
  const sql = `select d.oid, d.datallowconn, shobj_description(d.oid, 'pg_database') as mark, (select count(*) from pg_database where datname like 'late%') as databases,
    (select sum(hashtext(r::text)) from public.rows r) as content from pg_database d where datname = current_database()`
  await postgres.sql('late', 'begin; insert into public.rows values (7); rollback')
  return postgres.sql('late', sql)
}
