import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capture } from '../../src/components/postgres/capture/capture.ts'
import { check, checkBeforeCapture } from '../../src/components/postgres/check/check.ts'
import { checkRowsBeside } from '../../src/components/postgres/check/check-rows-beside.ts'
import type { ArtifactSink } from '../../src/components/transfer.ts'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { captureInto } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

/**
 * What a dump would lose or a restore would fail on. Each case is planted on a real server and must be found, and a
 * clean database must be without it.
 */
const postgres = await startPostgres()
const context = testContext()
const major = Math.floor(
  Number((await postgres.sql('postgres', `select current_setting('server_version_num') as v`))[0]?.['v']) / 10_000,
)

const nowhere: ArtifactSink = {
  async write(_role, _kind, content) {
    for await (const _chunk of content);
  },
}

interface Case {
  readonly name: string
  /** SQL that plants it, as the superuser in an empty database. */
  readonly plant: string
  /** The line `level subject: message` that must be there. */
  readonly finds: RegExp
  /** An extension, or `icu`, without which the case cannot be planted. */
  readonly needs?: string
  readonly since?: number
  /** Options of CREATE DATABASE. */
  readonly options?: string
  /** Takes away what outlives the database. */
  readonly after?: string
}

const CASES: readonly Case[] = [
  {
    name: 'a foreign key whose rows were let in without a check',
    plant: `create table p (id int primary key); create table c (p int references p);
      set session_replication_role = replica; insert into c values (1); set session_replication_role = origin`,
    finds: /^error .*foreign keys: hold rows that refer to nothing, .*: public\.c c_p_fkey$/m,
  },
  {
    name: 'a foreign key of two columns in partitions',
    plant: `create table p (a int, b text, primary key (a, b)); create table c (a int, b text, foreign key (a, b) references p) partition by list (a);
      create table c1 partition of c for values in (1); insert into p values (1, 'x'); insert into c values (1, 'x'), (1, null);
      set session_replication_role = replica; insert into c values (1, 'y'); set session_replication_role = origin`,
    finds: /^error .*foreign keys: .*: public\.c c_a_b_fkey$/m,
  },
  {
    name: 'a constraint that is not validated',
    plant: `create table t (n int); insert into t values (-1); alter table t add constraint positive check (n > 0) not valid`,
    finds: /^warning .*constraints that are not validated: .*: public\.t positive$/m,
  },
  {
    name: 'a constraint whose function reads another table',
    plant: `create table allowed (n int); create function ok(int) returns boolean stable language sql as 'select exists (select from allowed where n = $1)';
      create table aaa (n int check (ok(n)))`,
    finds:
      /^warning .*CHECK constraint aaa_n_check of public\.aaa: looks for something on the search path.*"allowed" does not exist$/m,
  },
  {
    name: 'an index whose function reads another table',
    plant: `create table names (n int); create function named(int) returns int immutable language plpgsql as 'begin return (select count(*) from names where n = $1); end';
      create table t (n int); create index t_named on t (named(n))`,
    finds: /^warning .*index t_named of public\.t: looks for something on the search path.*"names" does not exist$/m,
  },
  {
    name: 'a constraint that calls a function',
    plant: `create function even(int) returns boolean immutable language sql as 'select $1 % 2 = 0'; create table t (n int check (even(n)))`,
    finds: /^untested .*constraints that call functions: .*: public\.t t_n_check$/m,
  },
  {
    name: 'an unlogged table',
    plant: `create unlogged table scratchpad (n int)`,
    finds: /^ok .*unlogged tables: their rows are captured .*: public\.scratchpad$/m,
  },
  {
    name: 'a database whose collation has changed',
    options: `template template0 locale_provider icu icu_locale 'en' locale 'C'`,
    since: 15,
    needs: 'icu',
    plant: `update pg_database set datcollversion = '0' where datname = current_database()`,
    finds: /^warning .*collation of the database: .*C was 0, is /m,
  },
  {
    name: 'a column whose collation has changed',
    needs: 'icu',
    plant: `create collation mine (provider = icu, locale = 'en'); create table t (a text collate mine); update pg_collation set collversion = '0' where collname = 'mine'`,
    finds: /^warning .*collations of columns: .*: public\.mine was 0, is /m,
  },
  {
    name: 'an extension whose files are gone',
    plant: `update pg_extension set extname = 'vanished' where extname = 'plpgsql'`,
    finds: /^warning .*: extensions: could not be created .*: vanished$/m,
  },
  {
    name: 'an extension in an old version',
    plant: `update pg_extension set extversion = '0.1' where extname = 'plpgsql'`,
    finds: /^warning .*versions of extensions: .*: plpgsql 0\.1 \(1\.0\)$/m,
  },
  {
    name: 'an encoding that checks nothing',
    options: `template template0 encoding 'SQL_ASCII' locale 'C'`,
    plant: 'select 1',
    finds: /^warning .*: encoding: .*: SQL_ASCII$/m,
  },
  {
    name: 'a damaged index',
    needs: 'amcheck',
    // The index is told apart from its table by an entry for another value in the table's only row.
    plant: `create extension amcheck; create table t (n int); insert into t select generate_series(1, 100); create index t_n on t (n);
      update pg_index set indisready = false where indexrelid = 't_n'::regclass; insert into t values (101); update pg_index set indisready = true where indexrelid = 't_n'::regclass`,
    finds: /^error .*damaged indexes: found by amcheck, .*: public\.t_n$/m,
  },
  {
    name: 'a server without amcheck',
    plant: 'select 1',
    finds: /^untested .*damaged indexes: the extension amcheck is not in the database$/m,
  },
  {
    name: 'an invalid index',
    plant: `create table t (n int); create index broken on t (n); update pg_index set indisvalid = false where indexrelid = 'broken'::regclass`,
    finds: /^warning .*not captured: Indexes that are not valid .*: public\.broken\.$/m,
  },
  {
    name: 'rows of an extension that it does not mark for dumps',
    plant: `create table kept (n int); insert into kept values (1); alter extension plpgsql add table kept`,
    finds: /^warning .*not captured: Rows of tables that belong to extensions .*: public\.kept\.$/m,
  },
  {
    name: 'a function in a schema of the server',
    plant: `create function pg_catalog.sneaked() returns int language sql as 'select 1'`,
    finds: /^warning .*not captured: Objects that somebody made in the schemas of the server .*sneaked\(\)\.$/m,
  },
  {
    name: 'a role with powers that a restore does not give',
    plant: `create role strong bypassrls; create table t (); alter table t owner to strong`,
    finds: /^warning .*not captured: SUPERUSER, REPLICATION and BYPASSRLS .*: strong\.$/m,
    after: 'drop role strong',
  },
  {
    name: 'a comment on a role',
    plant: `create role told; comment on role told is 'by whom'; create table t (); alter table t owner to told`,
    finds: /^warning .*not captured: Comments on roles .*: told\.$/m,
    after: 'drop role told',
  },
  {
    name: 'a grant on a parameter',
    since: 15,
    plant: `create role tuner; create table t (); alter table t owner to tuner; grant set, alter system on parameter log_min_messages to tuner; create role other;
      grant set on parameter log_statement to other`,
    finds: /^warning .*not captured: Grants on parameters .*: log_min_messages to tuner\.$/m,
    after: `drop role tuner; drop role other`,
  },
  {
    name: 'a database that is a template',
    plant: 'alter database planted is_template true',
    finds: /^warning .*not captured: That a database is a template .*: planted\.$/m,
    after: 'alter database planted is_template false',
  },
  {
    name: 'a prepared transaction',
    plant: `create table t (n int); begin; insert into t values (1); prepare transaction 'halfway'`,
    finds: /^warning .*not captured: Transactions that are prepared .*: halfway\.$/m,
  },
  {
    name: 'a logical slot',
    plant: `select pg_create_logical_replication_slot('planted', 'pgoutput')`,
    finds: /^warning .*not captured: Replication slots .*: planted\.$/m,
    after: `select pg_drop_replication_slot('planted')`,
  },
  {
    name: 'a subscription with its connection string',
    plant: `create subscription feed connection 'host=nowhere password=hush' publication p with (connect = false, slot_name = none)`,
    finds:
      /^warning .*not captured: Subscriptions come back disabled.*connection strings are captured: feed \(no slot\)\.$/m,
    after: `alter subscription feed disable; drop subscription feed`,
  },
]

async function linesOf(database: string, over = {}): Promise<string> {
  const findings = await check(postgres.settings(database, over), context)
  return findings.map(({ level, subject, message }) => `${level} ${subject}: ${message}`).join('\n')
}

await postgres.createDatabase('clean')
const clean = await linesOf('clean')

const there = new Set(
  (
    await postgres.sql(
      'postgres',
      `select name::text from pg_available_extensions union all select 'icu' where (select count(*) from pg_collation where collprovider = 'i') > 1`,
    )
  ).map(({ name }) => name),
)

for (const { name, plant, finds, since = 0, options = '', after, needs } of CASES) {
  const absent = needs !== undefined && !there.has(needs)
  const skip = major < since ? `PostgreSQL ${major} has no such thing` : absent ? `${needs} is not installed` : false
  test(`check finds ${name}`, { skip }, async () => {
    await postgres.createDatabase('planted', options)
    try {
      await postgres.sql('planted', `set search_path = public; ${plant.replace(/; begin; .*/s, '')}`)
      const rest = /; begin; (.*)/s.exec(plant)?.[1]
      if (rest !== undefined) await postgres.sql('planted', `set search_path = public; begin; ${rest}`)
      assert.match(await linesOf('planted'), finds)
      if (!finds.source.startsWith('^untested .*damaged')) assert.doesNotMatch(clean, finds)
    } finally {
      await postgres.sql('planted', "rollback prepared 'halfway'").catch(() => {})
      await postgres
        .sql('planted', `update pg_database set datcollversion = null where datname = 'planted' and ${major} >= 15`)
        .catch(() => {})
      if (after?.startsWith('drop role') === true) {
        await postgres.dropDatabase('planted')
        for (const role of ['tuner', 'other'])
          if (after.includes(role)) await postgres.sql('postgres', `drop owned by ${role}`)
        await postgres.sql('postgres', after)
      } else if (after !== undefined) await postgres.sql('planted', after)
    }
  })
}

test('temporary objects of an open session are named', async () => {
  await postgres.createDatabase('planted')
  await withSession(postgres.server, 'planted', context, async (session) => {
    await session.query('create temporary table draft (n int)')
    assert.match(await linesOf('planted'), /not captured: Temporary objects of open sessions are not captured: draft\./)
  })
  assert.doesNotMatch(clean, /Temporary/)
})

test('who is no superuser loses options of user mappings and subscriptions, and is told which', async (t) => {
  if (!there.has('postgres_fdw')) return t.skip('postgres_fdw is not installed')
  await postgres.createDatabase('planted')
  await postgres.sql(
    'planted',
    `create role plain_reader login password 'p'; grant pg_read_all_data to plain_reader; create extension postgres_fdw schema public; create server elsewhere foreign data wrapper postgres_fdw;
    create user mapping for postgres server elsewhere options (user 'u', password 'hush');
    create subscription feed connection 'host=nowhere password=hush' publication p with (connect = false, slot_name = none)`,
  )
  const plain = { user: 'plain_reader', password: 'p' }
  const lines = await linesOf('planted', plain)
  await postgres.sql('planted', 'alter subscription feed disable; drop subscription feed')
  assert.match(
    lines,
    /^warning .*Options of user mappings, such as passwords, are not captured .*: elsewhere for postgres\.$/m,
  )
  assert.match(lines, /^warning .*Subscriptions, with their connection strings, are not captured .*: feed\.$/m)
  assert.doesNotMatch(lines, /hush/)
  assert.doesNotMatch(await linesOf('clean', plain), /user mappings|Subscriptions/)
})

test('a capture looks through the rows while it reads them, and what it finds is in the manifest', async () => {
  await postgres.createDatabase('planted')
  await postgres.sql(
    'planted',
    `set search_path = public; create table p (id int primary key); create table c (p int references p);
    alter table c disable trigger all; insert into c values (7); alter table c enable trigger all`,
  )
  const settings = postgres.settings('planted')
  const before = await checkBeforeCapture(settings, context)
  assert.doesNotMatch(JSON.stringify(before), /foreign keys/)
  const { details, notCaptured, findings } = await capture(settings, nowhere, context)
  assert.match(JSON.stringify(findings), /"error".*foreign keys.*refer to nothing.*public\.c c_p_fkey/)
  assert.match(
    notCaptured.join('\n'),
    /Found at the capture in database planted: foreign keys: hold rows .*public\.c c_p_fkey/,
  )
  assert.equal(details.rowCheck?.find(({ level }) => level === 'error')?.subject, 'database planted: foreign keys')
})

test('a look through the rows that its server ends fails no backup, and is said', async () => {
  await postgres.createDatabase('planted')
  const settings = postgres.settings('planted')
  const lost = checkRowsBeside({ ...postgres.server, host: '/nowhere' }, settings, context)
  assert.match(JSON.stringify(await lost), /"untested".*database planted: rows.*not looked through/)
})

test('a backup has its losses in the manifest too, and tables that take too long are named as untested', async () => {
  await postgres.createDatabase('planted')
  await postgres.sql(
    'planted',
    `set search_path = public; create table p (id int primary key); create table c (p int references p); create index broken on c (p);
    update pg_index set indisvalid = false where indexrelid = 'broken'::regclass`,
  )
  const { notCaptured } = await captureInto(postgres.settings('planted'), context)
  assert.match(notCaptured.join('\n'), /Indexes that are not valid .*public\.broken/)
  const findings = await check(postgres.settings('planted', { rowCheckSeconds: 0 }), context)
  const untested = findings.filter(({ level }) => level === 'untested').map(({ message }) => message)
  assert.match(untested.join('\n'), /not looked through in 0 s \(rowCheckSeconds\).*: public\.c c_p_fkey/)
})
