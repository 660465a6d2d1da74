import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { loadDumpFile } from '../../src/components/postgres/dumps/load.ts'
import { Failure } from '../../src/core/failure.ts'
import { makeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { dumpWith } from '../parts/dump-tools.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

/** Dumps as other people have them, loaded by a role that is no superuser. */
const postgres = await startPostgres()
const context = testContext()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-import-'))
const file = (name: string): string => join(folder, name)
after(() => rm(folder, { recursive: true, force: true }))

before(async () => {
  await postgres.sql('postgres', 'create role owner_a; create role owner_b')
  await postgres.createDatabase('odd', 'template template0')
  await postgres.sql('odd', SCHEMA)
})

const SCHEMA = `set search_path = public; grant create, usage on schema public to owner_a, owner_b;
  create table a (id int primary key, b text default 'z'); create view v as select id, b, count(*) from a group by id;
  insert into a select n, E'\\\\.' || n from generate_series(1, 30) n; alter table a owner to owner_a; alter view v owner to owner_a;
  create table b (a int references a); insert into b values (1), (2);
  create table bare (); insert into bare default values; insert into bare default values;
  create table made (gone int); insert into made values (1); alter table made add two int generated always as (2) stored; alter table made drop gone;
  create table parts (id int) partition by hash (id); create table part_1 partition of parts for values with (modulus 2, remainder 0);
  create table part_2 partition of parts for values with (modulus 2, remainder 1); insert into parts select generate_series(1, 40);
  create table empty (a int); create table numbered (id int generated always as identity); insert into numbered default values;
  create domain positive as int constraint positive check (value > 0); create view rule_view as select 1 as one; create rule quiet as on insert to rule_view do instead nothing;
  create policy everything on a using (true); create publication announced for table a;
  select lo_from_bytea(4711, 'large'); alter large object 4711 owner to owner_b;
  grant select on a to owner_b with grant option; set role owner_b; grant select on a to public; reset role;
  grant execute on function pg_catalog.pg_sleep(double precision) to owner_b; revoke usage on language plpgsql from public;
  comment on extension plpgsql is 'ours'; comment on schema public is 'ours'; comment on database odd is 'ours'`

/** What is there of it, as one row. */
const FOUND = `select (select count(*) from a)::int as a, (select count(*) from v)::int as v, (select count(*) from b)::int as b, (select count(*) from bare)::int as bare,
  (select count(*) from made)::int as made, (select count(*) from parts)::int as parts, (select last_value from numbered_id_seq)::int as numbered, lo_get(4711) as large,
  (select pg_get_userbyid(relowner) || ' ' || relacl::text from pg_class where relname = 'a') as rights, obj_description('public'::regnamespace) as comment,
  has_language_privilege('owner_b', 'plpgsql', 'usage') as language, (select proacl::text ~ 'owner_b=X' from pg_proc where proname = 'pg_sleep') as builtin`

interface Given {
  readonly withoutRows?: boolean
  readonly database?: string
  readonly sql?: string
}

async function load(name: string, content: string | Buffer, given: Given = {}): Promise<readonly unknown[]> {
  await writeFile(file(name), content)
  const scratchFolder = await makeTemporaryFolder()
  try {
    const request = {
      format: 'sql',
      path: file(name),
      trusted: false,
      withPasswords: false,
      scratchFolder,
      ...given,
    } as const
    const loaded = await loadDumpFile(postgres.settings('app'), request, context)
    try {
      const { host, port, user, password, database } = loaded.settings
      const server = { host, port, user, password, tls: 'disable', tlsCa: undefined, through: undefined } as const
      const rows = await withSession(server, database, context, async (client) => {
        await client.query('set search_path = public')
        return (await client.query<Record<string, unknown>>(given.sql ?? FOUND)).rows
      })
      // Of what a capture found only the roles are looked at.
      const details = { roles: [] } as unknown as Parameters<typeof loaded.complete>[0]['details']
      const { notCaptured } = await loaded.complete(
        { details, notCaptured: [] },
        { write: () => Promise.reject(new Error()) },
      )
      return [...rows, notCaptured]
    } finally {
      await loaded.close()
    }
  } finally {
    await rm(scratchFolder, { recursive: true, force: true })
  }
}

/** Of a folder that is refused before a server is started. */
async function refusedFolder(path: string): Promise<Failure> {
  const request = { format: 'directory', path, trusted: true, withPasswords: false, scratchFolder: folder } as const
  const error: unknown = await loadDumpFile(postgres.settings('app'), request, context).catch(
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof Failure, 'the folder was taken')
  return error
}

const pgDump = (...args: readonly string[]): Promise<string> => dumpWith(postgres, 'pg_dump', [...args, 'odd'])
async function latinDump(): Promise<Buffer> {
  const path = file('latin')
  await dumpWith(postgres, 'pg_dump', ['--create', '--encoding=LATIN1', `--file=${path}`, 'latin'])
  return readFile(path)
}
const dump = (body: string): string =>
  `--\n-- PostgreSQL database dump\n--\nSET client_encoding = 'UTF8';\n${body}\n--\n-- PostgreSQL database dump complete\n--\n`
const TABLE = 'create table public.t (a int);'
const ROWS = 'COPY public.t (a) FROM stdin;\n1\n2\n\\.\n'
const COUNT = { sql: 'select count(*)::int from t' }

for (const [what, ...args] of [
  ['plainly'],
  ['with --clean', '--clean'],
  ['with --clean --if-exists', '--clean', '--if-exists'],
  ['with --clean --create', '--clean', '--create'],
  ['with --use-set-session-authorization', '--use-set-session-authorization'],
  ['as INSERT of several rows', '--rows-per-insert=7', '--load-via-partition-root'],
  ['as INSERT with columns', '--column-inserts'],
  ['through the root of partitions', '--load-via-partition-root'],
] as const) {
  test(`an odd database that is dumped ${what} is imported without a superuser`, async () => {
    const [expected] = await postgres.sql('odd', `set search_path = public; ${FOUND}`)
    const [found] = await load('odd.sql', await pgDump(...args))
    assert.deepEqual(found, expected)
  })
}

test('so is one of pg_dumpall --clean, and one with the line ends of Windows', async () => {
  const [expected] = await postgres.sql('odd', `set search_path = public; ${FOUND}`)
  const [found] = await load('all.sql', await dumpWith(postgres, 'pg_dumpall', ['--clean']), { database: 'odd' })
  assert.deepEqual(found, expected)
  const [windows] = await load('windows.sql', (await pgDump()).replaceAll('\n', '\r\n'))
  assert.deepEqual(windows, expected)
})

test('a dump of an old pg_dump needs no superuser for its comments on what is built in', async () => {
  const old = dump(`SET default_with_oids = false;
COMMENT ON DATABASE postgres IS 'default administrative connection database';
CREATE SCHEMA public;
CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog;
COMMENT ON EXTENSION plpgsql IS 'PL/pgSQL procedural language';
SET search_path = public, pg_catalog;
CREATE TABLE t (id integer NOT NULL);
ALTER TABLE t OWNER TO app;
COPY t (id) FROM stdin;
1
\\.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO PUBLIC;`)
  const [found] = await load('old.sql', old, {
    sql: `select (select count(*) from t)::int as t, (select description from pg_description where classoid = 'pg_extension'::regclass) as comment`,
  })
  assert.deepEqual(found, { t: 1, comment: 'PL/pgSQL procedural language' })
})

test('a right on a dangerous function is of no use to the dump that gives it', async () => {
  const text = dump(
    `GRANT ALL ON FUNCTION pg_catalog.pg_read_file(text) TO PUBLIC;\nselect pg_read_file('/etc/passwd');`,
  )
  await assert.rejects(load('danger.sql', text), { kind: 'denied', message: /pg_read_file/ })
  const two =
    dump(`SET standard_conforming_strings = off;\nselect set_config('standard_conforming_strings', 'on', false);
comment on extension plpgsql is '\\'; alter role holdfast_import superuser; --';`)
  await assert.rejects(load('two.sql', two), { message: /multiple commands/ })
})

test('a transaction that is not ended, or taken back, is refused', async () => {
  await assert.rejects(load('open.sql', dump(`${TABLE}\nBEGIN;\n${ROWS}`)), {
    kind: 'refused',
    message: /begins a transaction that it does not end/,
  })
  await assert.rejects(load('back.sql', dump(`${TABLE}\nBEGIN;\n${ROWS}ROLLBACK;`)), {
    kind: 'corrupt',
    message: /2 rows of table public\.t, and 0 are there/,
  })
  await assert.rejects(load('gone.sql', dump(`${TABLE}\n${ROWS}delete from public.t where a = 1;`)), {
    kind: 'corrupt',
    message: /2 rows of table public\.t, and 1 are there/,
  })
  assert.deepEqual((await load('whole.sql', dump(`BEGIN;\n${TABLE}\n${ROWS}COMMIT;`), COUNT))[0], { count: 2 })
})

test('a dump without some of its rows is refused, or names them', async () => {
  const [schema, excluded] = [await pgDump('--schema-only'), await pgDump('--exclude-table-data=b')]
  await assert.rejects(load('excluded.sql', excluded), {
    kind: 'refused',
    message: /rows of tables, left out of the dump: public\.b$/,
    hint: /--accept without-rows/,
  })
  await assert.rejects(load('schema.sql', schema), {
    kind: 'refused',
    message: /public\.a, public\.b, .*public\.part_1.*values of sequences.*public\.numbered_id_seq/,
  })
  const [, said] = await load('excluded.sql', excluded, { withoutRows: true, sql: 'select count(*)::int from a' })
  assert.match(String(said), /rows of tables, left out of the dump: public\.b/)
  assert.doesNotMatch(String(said), /public\.(?:a|empty|bare)\b/)
})

test('so is one that lacks the rows of one partition, where the others are loaded through their root', async () => {
  const content = await pgDump('--load-via-partition-root', '--exclude-table-data=part_2')
  await assert.rejects(load('root.sql', content), { kind: 'refused', message: /rows of tables.*: public\.part_2$/ })
})

test('names of roles are understood in whatever encoding the dump comes, if the database has another', async () => {
  await postgres.sql('postgres', 'create role "Müller ""x"')
  await postgres.createDatabase('latin', 'template template0')
  await postgres.sql(
    'latin',
    `create schema s; create table s.t (a text); insert into s.t values ('é'); alter table s.t owner to "Müller ""x"; grant usage on schema s to "Müller ""x"`,
  )
  const content = await latinDump()
  const sql = `select (select pg_get_userbyid(relowner) from pg_class where relname = 't') as owner, (select a from s.t) as a`
  assert.deepEqual((await load('latin.sql', content, { sql }))[0], { owner: 'Müller "x', a: 'é' })
})

test('so is one with those rows only that policies show', async () => {
  const content = await pgDump('--enable-row-security')
  assert.deepEqual((await load('policies.sql', content, { sql: 'select count(*)::int from a' }))[0], { count: 30 })
  await postgres.sql('odd', 'alter table public.a enable row level security')
  const guarded = await pgDump('--enable-row-security')
  await assert.rejects(load('policies.sql', guarded), { kind: 'refused', message: /policies hid.*: public\.a$/ })
  await load('policies.sql', await pgDump(), { sql: 'select 1' })
})

test('what people have in place of a dump is named', async () => {
  const text = await pgDump()
  await assert.rejects(load('utf16.sql', Buffer.from(`\ufeff${text}`, 'utf16le')), {
    kind: 'unsupported',
    message: /UTF-16/,
  })
  await assert.rejects(load('rows.sql', await pgDump('--data-only')), { hint: /--data-only/ })
  await assert.rejects(load('upgrade.sql', await pgDump('--binary-upgrade')), {
    kind: 'refused',
    message: /pg_upgrade/,
  })
  assert.ok((await readFile(file('utf16.sql'))).length > text.length)
})

for (const compression of ['-Z0', '-Z6']) {
  test(`a folder of ${compression} with a data file that is cut at the end of a row, empty or gone is refused`, async () => {
    const path = file(`folder${compression}`)
    await pgDump('-Fd', compression, '--file', path)
    const names = (await readdir(path)).filter((name) => /^\d+\.dat/.test(name))
    assert.ok(names.length > 5)
    for (const name of names) {
      const whole = await readFile(join(path, name))
      const plain = compression === '-Z0' ? whole : gunzipSync(whole)
      for (let at = plain.indexOf('\n'); at >= 0 && at + 1 < plain.length; at = plain.indexOf('\n', at + 1)) {
        const cut = plain.subarray(0, at + 1)
        await writeFile(join(path, name), compression === '-Z0' ? cut : gzipSync(cut))
        assert.equal((await refusedFolder(path)).kind, 'corrupt', `${name} cut at ${at}`)
      }
      await writeFile(join(path, name), '')
      assert.equal((await refusedFolder(path)).kind, 'corrupt', `${name} empty`)
      await rm(join(path, name))
      assert.match((await refusedFolder(path)).message, /it has no file \d+\.dat of TABLE DATA public\./)
      await writeFile(join(path, name), whole)
    }
  })
}

test('a folder with a large object that its list lost is refused', async () => {
  const path = file('objects')
  await pgDump('-Fd', '-Z0', '--file', path)
  await writeFile(join(path, 'blobs.toc'), '')
  assert.match((await refusedFolder(path)).message, /4711/)
  await rm(join(path, 'blob_4711.dat'))
  assert.match((await refusedFolder(path)).message, /no content of large object 4711/)
})
