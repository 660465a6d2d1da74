import assert from 'node:assert/strict'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, test } from 'node:test'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { loadDumpFile } from '../../src/components/postgres/dumps/load.ts'
import { writeDumpFile } from '../../src/components/postgres/dumps/write.ts'
import { readOutline } from '../../src/components/postgres/plain-sql/outline.ts'
import type { PostgresSettings } from '../../src/components/postgres/schema.ts'
import { makeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { dumpWith } from '../parts/dump-tools.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-dumps-'))
after(() => rm(folder, { recursive: true, force: true }))
const file = (name: string): string => join(folder, name)

/** Loads a dump as an import does, and gives rows of a query on what was loaded, as the role that captures. */
async function load(
  name: string,
  text: string | undefined,
  sql: string,
  over: { database?: string; trusted?: boolean } = {},
): Promise<unknown[]> {
  if (text !== undefined) await writeFile(file(name), text)
  const scratchFolder = await makeTemporaryFolder()
  // Most of these dumps are about definitions, and have no rows.
  const flags = { trusted: false, withPasswords: false, withoutRows: true }
  const request = { format: 'sql', path: file(name), ...flags, scratchFolder, ...over } as const
  try {
    const loaded = await loadDumpFile(postgres.settings('app'), request, testContext())
    try {
      return await rowsOf(loaded.settings, sql)
    } finally {
      await loaded.close()
    }
  } finally {
    await rm(scratchFolder, { recursive: true, force: true })
  }
}

async function rowsOf({ host, port, user, password, database }: PostgresSettings, sql: string): Promise<unknown[]> {
  const server = { host, port, user, password, tls: 'disable', tlsCa: undefined, through: undefined } as const
  const result = await withSession(server, database, testContext(), (client) =>
    client.query({ text: sql, rowMode: 'array' }),
  )
  return result.rows
}

const dump = (body: string, head = `SET client_encoding = 'UTF8';`): string =>
  `-- PostgreSQL database dump\n${head}\n${body}\n-- PostgreSQL database dump complete\n`

test(
  'what pg_dump and pg_dumpall write is taken whole and refused when it is cut off',
  { timeout: 600_000 },
  async () => {
    await postgres.createDatabase('cut', '')
    await postgres.sql(
      'cut',
      `create table public.t (a text, b bytea); insert into public.t values ('it''s; \\', '\\x00'), (null, ''); select lo_from_bytea(0, 'large')`,
    )
    for (const [program, args] of [
      ['pg_dump', ['cut']],
      ['pg_dump', ['--create', '--clean', 'cut']],
      ['pg_dump', ['--inserts', '--no-owner', 'cut']],
      ['pg_dumpall', ['--clean']],
    ] as const) {
      const text = Buffer.from(await dumpWith(postgres, program, args))
      const whole = text.toString().trimEnd().length - (program === 'pg_dumpall' ? '\n--'.length : 0)
      await readOutline(Readable.from([text]))
      for (let length = 0; length < whole; length += 37)
        await assert.rejects(
          readOutline(Readable.from([text.subarray(0, length)])),
          { message: /^byte \d+: / },
          `${length} of ${text.length}`,
        )
    }
  },
)

test('bytes of another encoding arrive as they should, in statements and in rows', async () => {
  const text = dump(
    `create table public.t ("spalte ä" text default 'ü');\nCOPY public.t ("spalte ä") FROM stdin;\nß\n\\.\ninsert into public.t default values;`,
    `SET client_encoding = 'LATIN1';`,
  )
  await writeFile(file('latin.sql'), Buffer.from(text, 'latin1'))
  const sql = `select "spalte ä", pg_encoding_to_char(encoding) from public.t, pg_database where datname = current_database() order by "spalte ä" collate "C"`
  assert.deepEqual(await load('latin.sql', undefined, sql), [
    ['ß', 'LATIN1'],
    ['ü', 'LATIN1'],
  ])
})

test('what the dump turns off or drops is left alone', async () => {
  const setting = ['session', 'replication', 'role'].join('_')
  const text = dump(
    `SET ${setting} = replica;\nDROP TABLE public.t;\nSET default_tablespace = fast;\ncreate table public.t (a int);\nDROP TABLE public.t;`,
  )
  assert.deepEqual(
    await load('drop.sql', text, `select current_setting('${setting}'), to_regclass('public.t')::text`),
    [['origin', 'public.t']],
  )
})

test('objects without an owner belong to whom most tables belong to, and nothing to the role that loads', async () => {
  const text = dump(
    `create schema s;\ncreate table public.a ();\nalter table public.a owner to alice;\ncreate table s.b ();\nalter table s.b owner to "bo""b é";\ncreate table public.c ();\nalter table public.c owner to alice;\ncreate table public.d ();`,
  )
  const sql = `select c.relname::text, pg_get_userbyid(relowner)::text from pg_class c where relkind = 'r' and oid >= 16384 union all select 'database', pg_get_userbyid(datdba) from pg_database where datname = 'app'
    union all select nspname, pg_get_userbyid(nspowner) from pg_namespace where nspname = 's' order by 1`
  assert.deepEqual(await load('owners.sql', text, sql), [
    ['a', 'alice'],
    ['b', 'bo"b é'],
    ['c', 'alice'],
    ['d', 'alice'],
    ['database', 'alice'],
    ['s', 'alice'],
  ])
})

test('roles of a whole server keep what they may, and get no superuser', async () => {
  const text = `-- PostgreSQL database cluster dump
CREATE ROLE boss;
ALTER ROLE boss WITH SUPERUSER LOGIN CREATEDB PASSWORD 'md5abc';
CREATE ROLE worker;
GRANT boss TO worker WITH ADMIN OPTION GRANTED BY boss;
GRANT pg_monitor TO worker;
GRANT pg_execute_server_program TO worker;
ALTER ROLE worker SET work_mem TO '7MB';
-- PostgreSQL database dump
\\connect other
create table public.secret ();
-- PostgreSQL database dump complete
\\connect app
${dump("create table public.t ();\nALTER ROLE worker IN DATABASE app SET work_mem TO '9MB';")}
-- PostgreSQL database cluster dump complete
`
  const sql = `select rolname::text, rolsuper, rolcanlogin, rolcreatedb, rolbypassrls, (select string_agg(pg_get_userbyid(roleid)::text, ',' order by 1) from pg_auth_members where member = r.oid),
    (select string_agg(setconfig::text, ',' order by setconfig::text) from pg_db_role_setting where setrole = r.oid), to_regclass('public.secret')::text from pg_roles r where rolname in ('boss', 'worker') order by 1`
  assert.deepEqual(await load('roles.sql', text, sql), [
    ['boss', false, true, true, false, null, null, null],
    ['worker', false, false, false, false, 'boss,pg_monitor', '{work_mem=7MB},{work_mem=9MB}', null],
  ])
})

const programs = `do $$ begin execute 'copy (select 1) to program ''true'''; end $$;`
const denied: readonly (readonly [string, string])[] = [
  ['a program in a DO block', programs],
  [
    'a program as a role of the dump',
    `create table public.t ();\nalter table public.t owner to boss;\nalter role boss superuser;\nset role boss;\n${programs}`,
  ],
  ['a role with the rights of a superuser', `do $$ begin execute 'create role x superuser'; end $$;`],
  ['the superuser itself', `set role holdfast_superuser;`],
  ['a file of the server', `select pg_read_file('/etc/passwd');`],
  ['a large object from a file', `select lo_import('/etc/passwd');`],
]

for (const [what, body] of denied) {
  test(`${what} is denied to a dump that is not trusted`, async () => {
    await assert.rejects(load('denied.sql', dump(body), 'select 1'), {
      kind: 'denied',
      message: /^byte \d+: PostgreSQL did not take the/,
    })
  })
}

test('a role of the name that the import uses is refused', async () => {
  await assert.rejects(load('role.sql', dump(`alter role holdfast_import set work_mem to '1MB';`), 'select 1'), {
    kind: 'refused',
    message: /import itself uses/,
  })
})

test('a trusted dump is loaded as a superuser', async () => {
  const text = dump(
    `create function public.f() returns event_trigger language plpgsql as 'begin end';\ncreate event trigger e on sql_drop execute function public.f();\nalter event trigger e owner to postgres;`,
  )
  await assert.rejects(load('event.sql', text, 'select 1'), { kind: 'denied', hint: /--accept trust-dump/ })
  assert.deepEqual(
    await load(
      'event.sql',
      text,
      `select evtname::text, pg_get_userbyid(evtowner)::text, rolsuper from pg_event_trigger join pg_roles r on r.oid = evtowner`,
      { trusted: true },
    ),
    [['e', 'postgres', false]],
  )
})

test('an export that is more than its format holds is refused, and nothing of it is left', async () => {
  await postgres.createDatabase('large', '')
  await postgres.sql('large', `create table public.t as select md5(n::text) from generate_series(1, 20000) n`)
  const { details, source } = await captureStored(postgres.settings('large'), testContext())
  const scratchFolder = await makeTemporaryFolder()
  const out = await mkdtemp(join(folder, 'out-'))
  const output = { format: 'sql', path: join(out, 'it.sql'), scratchFolder, mostBytes: 500_000 } as const
  await assert.rejects(writeDumpFile(postgres.settings('large'), details, source, output, testContext()), {
    kind: 'refused',
    message: /more than 500000 bytes of SQL/,
  })
  assert.deepEqual(await readdir(out), [])
  await rm(scratchFolder, { recursive: true, force: true })
})

test('a dump that changes while it is loaded is refused', async () => {
  await writeFile(file('changing.sql'), dump('select pg_sleep(3);'))
  const change = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await truncate(file('changing.sql'), 10)
  }
  await Promise.all([assert.rejects(load('changing.sql', undefined, 'select 1')), change()])
})

test('300 MB of rows need no more memory than a few', { timeout: 900_000 }, async () => {
  const line = `${'0123456789 abcdefghij '.repeat(45)}\n`
  const block = line.repeat(1000)
  const blocks = Math.ceil(300_000_000 / block.length)
  async function* text(): AsyncGenerator<string> {
    yield `-- PostgreSQL database dump\ncreate unlogged table public.t (a text);\nCOPY public.t (a) FROM stdin;\n`
    for (let count = 0; count < blocks; count += 1) yield block
    yield '\\.\n-- PostgreSQL database dump complete\n'
  }
  await pipeline(text, createWriteStream(file('large.sql')))
  const before = process.memoryUsage.rss()
  let peak = before
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20)
  try {
    assert.deepEqual(await load('large.sql', undefined, 'select count(*)::int from public.t'), [[blocks * 1000]])
  } finally {
    clearInterval(watch)
  }
  assert.ok(peak - before < 128_000_000, `it took ${peak - before} bytes more`)
})
