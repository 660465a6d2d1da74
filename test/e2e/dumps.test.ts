import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { chmod, mkdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { Secret } from '../../src/core/secret.ts'
import type { PointsReport } from '../../src/operations/points/list-points.ts'
import { dumpWith } from '../parts/dump-tools.ts'
import { expectFailure } from './expect.ts'
import { startReadyLab } from './lab.ts'
import { testContext } from '../parts/postgres.ts'

const lab = await startReadyLab()
const TRUST = ['--accept', 'trust-dump']
const file = (name: string): string => join(lab.folder, name)
/** A temporary folder that nobody else uses; the server's user passes through it. */
const OWN = { TMPDIR: file('t') }

const SCHEMA = `
  create role shop_owner login password 'secret-of-owner'; create role "shop reader" login; create role shop_group; grant shop_group to "shop reader";
  alter role "shop reader" set work_mem to '5MB';
  create schema store authorization shop_owner;
  create table store.goods (id bigint generated always as identity primary key, name text not null, twice bigint generated always as (id * 2) stored, tags text[], raw bytea);
  alter table store.goods owner to shop_owner;
  insert into store.goods (name, tags, raw) select E'a\\\\.\\nb\\t' || n, array['x', null, '\\N'], decode(md5(n::text), 'hex') from generate_series(1, 3000) n;
  create table store."odd ""name"";--" ("a;b" int, constraint positive check ("a;b" > 0)) partition by range ("a;b");
  create table store.part partition of store."odd ""name"";--" for values from (1) to (100);
  insert into store."odd ""name"";--" select generate_series(1, 99);
  create function store.twice(a int) returns int language sql begin atomic select case when a > 0 then a * 2 else 0 end; end;
  create function store.noted() returns trigger language plpgsql as $body$ begin new.name := new.name || ';'; return new; end $body$;
  create trigger noted before insert on store.goods for each row execute function store.noted();
  create materialized view store.names as select name from store.goods; create rule quiet as on delete to store.part do instead (select 1; select 2);
  alter table store.goods enable row level security; create policy visible on store.goods to "shop reader" using (id > 5);
  grant usage on schema store to "shop reader"; grant select on store.goods to "shop reader"; alter default privileges for role shop_owner in schema store grant select on tables to shop_group;
  create extension pgcrypto; comment on table store.goods is 'it''s; \\ odd';
  select lo_from_bytea(4711, decode(repeat('ab', 5000), 'hex')); alter large object 4711 owner to shop_owner;
  grant execute on function pg_catalog.pg_sleep(double precision) to "shop reader"; revoke usage on language plpgsql from public; comment on extension plpgsql is 'ours';
`

interface Report {
  readonly point: string
  readonly outcome: string
  readonly truth: string
  readonly origin: {
    readonly source: string
    readonly sha256: string
    readonly bytes: number
    readonly database: string | null
  }
  readonly notCaptured: readonly string[]
}

before(async () => {
  await mkdir(OWN.TMPDIR)
  for (const folder of [lab.folder, OWN.TMPDIR]) await chmod(folder, 0o711)
  await lab.postgres.sql('portal', `set search_path = public; ${SCHEMA}`)
  await lab.postgres.sql(
    'portal',
    `alter database portal set statement_timeout = '77s'; alter database portal owner to shop_owner`,
  )
  await writeFile(file('plain.sql'), await dumpWith(lab.postgres, 'pg_dump', ['portal']))
})

/** The text of a dump without what is different in every one. */
function comparable(text: string): string[] {
  return text.split('\n').filter((line) => !/^\\(?:un)?restrict /.test(line) && !line.startsWith('-- Dumped'))
}

async function imported(...args: readonly string[]): Promise<Report> {
  const { report } = await lab.json<{ report: Report }>(['import', ...args], 3)
  assert.equal(report.outcome, 'incomplete', 'the files are in no dump')
  assert.ok(!report.notCaptured.join().includes('holdfast_import'), 'our own role was never in it')
  return report
}

/** What the point gives back is what the server had. */
async function assertSame(point: string): Promise<void> {
  const path = file(`${point}.sql`)
  await lab.json(['export', point, '--format', 'sql', '--output', path])
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.deepEqual(
    comparable(await readFile(path, 'utf8')),
    comparable(await dumpWith(lab.postgres, 'pg_dump', ['portal'])),
  )
}

test('a plain dump, and the same compressed in parts, gives the same database back', async () => {
  const text = await readFile(file('plain.sql'))
  const half = Math.floor(text.length / 2)
  await writeFile(
    file('plain.anything'),
    Buffer.concat([zstdCompressSync(text.subarray(0, half)), zstdCompressSync(text.subarray(half))]),
  )
  await writeFile(file('plain.gz'), Buffer.concat([gzipSync(text.subarray(0, half)), gzipSync(text.subarray(half))]))
  for (const name of ['plain.sql', 'plain.anything', 'plain.gz']) {
    const report = await imported('sql', file(name), 'portal')
    assert.deepEqual(
      [report.origin.source, report.origin.bytes, report.origin.database],
      [name, (await stat(file(name))).size, null],
    )
    assert.equal(report.origin.sha256, execFileSync('sha256sum', [file(name)], { encoding: 'utf8' }).split(' ')[0])
    await assertSame(report.point)
  }
})

test('a point of a dump is verified, drilled, listed, held, and never the latest', async () => {
  const { point } = await imported('sql', file('plain.sql'))
  await lab.json(['verify', point])
  await lab.json(['drill', '--at', point], 3)
  const listed = await lab.json<{ points: { point: string; held: boolean; remarks: string[] }[] }>(['points'])
  const found = listed.points.find((one) => one.point === point)
  assert.deepEqual([found?.held, found?.remarks], [true, ['imported dump']])
  await expectFailure(lab, ['drill'], {
    code: 10,
    kind: 'notFound',
    message: /no complete restore point/,
    hint: /imported/,
  })
})

for (const format of ['custom', 'directory'] as const) {
  test(`a dump in ${format} format gives the same database back`, async () => {
    await dumpWith(lab.postgres, 'pg_dump', [`--format=${format}`, '--file', file(format), 'portal'])
    await expectFailure(lab, ['import', format, file(format)], {
      code: 13,
      kind: 'refused',
      message: /pg_restore 15\..*run commands/,
      hint: /--accept trust-dump/,
    })
    const report = await imported(format, file(format), ...TRUST)
    assert.equal(report.origin.database, 'portal')
    await assertSame(report.point)
  })
}

test('a database of pg_dumpall is found by name, with its roles and without their passwords', async () => {
  await lab.postgres.createDatabase('my db=x')
  await writeFile(file('all.sql'), await dumpWith(lab.postgres, 'pg_dumpall', ['--database', 'postgres']))
  const report = await imported('sql', file('all.sql'))
  assert.equal(report.origin.database, 'portal')
  assert.ok(!JSON.stringify(report).includes('of roles, of which'), 'the dump has the attributes of all roles')
  await assertSame(report.point)
  const { point } = await imported('sql', file('all.sql'), '--database', 'my db=x')
  await lab.json(['drill', '--at', point], 3)
  await expectFailure(lab, ['import', 'sql', file('all.sql'), '--database', 'nothing'], {
    code: 10,
    kind: 'notFound',
    message: /no database nothing/,
    hint: /portal.*my db=x|my db=x.*portal/,
  })
})

test('a point is exported in every format, and nothing is replaced', async () => {
  const { report } = await lab.json<{ report: Report }>(['backup'])
  for (const format of ['custom', 'directory'] as const) {
    const path = file(`exported-${format}`)
    await lab.json(['export', report.point, '--format', format, '--output', path])
    const text = await dumpWith(lab.postgres, 'pg_restore', ['--file=-', path])
    assert.deepEqual(comparable(text), comparable(await dumpWith(lab.postgres, 'pg_dump', ['portal'])))
    await expectFailure(lab, ['export', report.point, '--format', format, '--output', path], {
      code: 13,
      kind: 'refused',
      message: /is there already/,
      hint: /Nothing was written/,
    })
  }
})

function leftovers(): string[] {
  return readdirSync(OWN.TMPDIR)
}

async function assertRefused(
  name: string,
  text: string | Buffer,
  message: RegExp,
  code = 13,
  kind = 'refused',
): Promise<void> {
  await writeFile(file(name), text)
  const points = await lab.json<PointsReport>(['points'])
  await expectFailure(lab, ['import', 'sql', file(name)], { code, kind, message, hint: /./ }, OWN)
  assert.deepEqual((await lab.json<PointsReport>(['points'])).points, points.points)
  assert.deepEqual(leftovers(), [])
}

const TRAILER = '--\n-- PostgreSQL database dump complete\n--\n'

test('hostile and damaged dumps are refused with the byte, and nothing is left', async () => {
  const good = await readFile(file('plain.sql'), 'utf8')
  const planted = (text: string): string => good.replace(TRAILER, () => `${text}\n\n${TRAILER}`)
  const at = Buffer.byteLength(good.slice(0, good.indexOf(TRAILER)))
  await assertRefused(
    'shell.sql',
    planted('\\! touch /tmp/owned'),
    new RegExp(`byte ${at}: a line that psql would take`),
  )
  await assertRefused('copy.sql', planted("\\copy t from program 'id'"), new RegExp(`byte ${at}: `))
  await assertRefused(
    'program.sql',
    planted(`COPY store.goods FROM PROGRAM 'id';`),
    new RegExp(`byte ${at}: a COPY that`),
  )
  await assertRefused('backtick.sql', planted('\\unrestrict `id`'), new RegExp(`byte ${at}: `))
  await assertRefused('after.sql', `${good}\nselect 1;`, /a statement after the last line/)
  await assertRefused('twice.sql', `${good}\n${good}`, /a second dump begins/)
  await assertRefused(
    'inner.sql',
    planted(`do $$ begin execute 'copy store.goods from program ''id'''; end $$;`),
    new RegExp(`byte ${at}: .*PROGRAM`, 'i'),
    12,
    'denied',
  )
  await assertRefused(
    'super.sql',
    planted(
      `alter role shop_owner superuser; set role shop_owner; do $$ begin execute 'copy store.goods from program ''id'''; end $$;`,
    ),
    /PROGRAM/i,
    12,
    'denied',
  )
  // Without its end line a COPY goes on to the next one, and PostgreSQL is asked to take SQL for rows.
  await assertRefused(
    'rows.sql',
    good.replace('\n\\.\n', '\n'),
    /byte \d+: PostgreSQL did not take the COPY/,
    21,
    'toolFailed',
  )
  await assertRefused(
    'bomb.gz',
    gzipSync(Buffer.concat([Buffer.from(good), Buffer.alloc(100_000_000, '--\n')])),
    /unpacks to more than/,
  )
  await assertRefused('cut.gz', gzipSync(good).subarray(0, -500), /cannot be decompressed to its end/, 30, 'corrupt')
  await assertRefused(
    'cut.zst',
    zstdCompressSync(good).subarray(0, -500),
    /cannot be decompressed to its end/,
    30,
    'corrupt',
  )
})

test('a cut-off archive is refused', async () => {
  await dumpWith(lab.postgres, 'pg_dump', ['--format=custom', '--file', file('cut.custom'), 'portal'])
  await truncate(file('cut.custom'), (await stat(file('cut.custom'))).size - 3000)
  await expectFailure(
    lab,
    ['import', 'custom', file('cut.custom'), ...TRUST],
    {
      code: 30,
      kind: 'corrupt',
      message: /cannot be read to its end: .*pg_restore failed/,
      hint: /./,
    },
    OWN,
  )
  assert.deepEqual(leftovers(), [])
})

test('Ctrl-C ends an import, and nothing is left', async () => {
  const slow = (await readFile(file('plain.sql'), 'utf8')).replace(TRAILER, `select pg_sleep(60);\n\n${TRAILER}`)
  await writeFile(file('slow.sql'), slow)
  const running = lab.startWith(OWN, 'import', 'sql', file('slow.sql'))
  while (leftovers().length === 0) await new Promise((resolve) => setTimeout(resolve, 100))
  await new Promise((resolve) => setTimeout(resolve, 4000))
  running.interrupt('SIGINT')
  const ended = await running.ended
  assert.equal(ended.code, 130, ended.error)
  assert.deepEqual(leftovers(), [])
})

test('an imported point is restored over the live database', async () => {
  const before = comparable(await readFile(file('plain.sql'), 'utf8'))
  const { point } = await imported('sql', file('plain.sql'))
  await lab.postgres.sql('portal', 'delete from public.sessions')
  await lab.json(['restore', '--at', point, '--component', 'database', '--yes'])
  assert.deepEqual(comparable(await dumpWith(lab.postgres, 'pg_dump', ['portal'])), before)
})

test('a dump without rows is taken only by the name of what it lacks, which the point says', async () => {
  await writeFile(file('schema.sql'), await dumpWith(lab.postgres, 'pg_dump', ['--schema-only', 'portal']))
  await expectFailure(lab, ['import', 'sql', file('schema.sql')], {
    code: 13,
    kind: 'refused',
    message: /rows of tables, left out of the dump: .*store\.goods/,
    hint: /--accept without-rows/,
  })
  const { point, notCaptured } = await imported('sql', file('schema.sql'), '--accept', 'without-rows')
  assert.match(notCaptured.join('\n'), /rows of tables, left out of the dump: .*store\.goods/)
  assert.match(JSON.stringify(await lab.json(['show', point])), /store\.goods/)
  await lab.json(['drill', '--at', point], 3)
})

test('password verifiers are kept if asked for, and given to roles that a restore makes only', async () => {
  await lab.postgres.sql(
    'portal',
    `create role keeper login password 'old'; grant usage on schema store to keeper; alter role keeper connection limit 5`,
  )
  await writeFile(file('with.sql'), await dumpWith(lab.postgres, 'pg_dumpall', []))
  const plain = await imported('sql', file('with.sql'))
  assert.match(plain.notCaptured.join('\n'), /passwords of roles: .*keeper.*shop_owner/)
  const { point, notCaptured } = await imported('sql', file('with.sql'), '--with-passwords')
  assert.match(notCaptured.join('\n'), /passwords of roles: shop reader/)
  assert.ok(!JSON.stringify(await lab.json(['show', point])).includes('SCRAM-SHA'))
  // With what earlier restores of this file keep for undo: its objects hold the role, too.
  const databases = await lab.postgres.sql('postgres', "select datname from pg_database where datname like 'portal%'")
  for (const { datname } of databases) await lab.postgres.dropDatabase(String(datname))
  await lab.postgres.sql('postgres', `drop role shop_owner; alter role keeper password 'new'`)
  await lab.json(['restore', '--at', point, '--component', 'database', '--yes'])
  const login = (user: string, password: string): Promise<unknown> =>
    withSession(
      { ...lab.postgres.server, user, password: new Secret(password) },
      'portal',
      testContext(),
      async () => {},
    )
  const ours = await lab.postgres.sql('postgres', `select from pg_roles where rolname ~ '^holdfast_(import|super)'`)
  assert.deepEqual(ours, [], 'a restore made the role that only loads dumps')
  await login('shop_owner', 'secret-of-owner')
  await login('keeper', 'new')
  await assert.rejects(login('keeper', 'old'), { kind: 'denied' })
})

test('what pg_restore refuses of an exported dump is named when it is written', async () => {
  await lab.postgres.sql(
    'portal',
    `set search_path = public; create function lowered(t text) returns text language sql immutable as 'select lower(t)';
     create function looked_up(t text) returns text language plpgsql immutable as 'begin return lowered(t); end';
     create table looked (t text); insert into looked values ('A'); create index looked_idx on looked (looked_up(t))`,
  )
  const { report } = await lab.json<{ report: Report }>(['backup'])
  const ran = await lab.run('export', report.point, '--output', file('looked.dump'))
  assert.equal(ran.code, 0, ran.error)
  const said = ran.error.replace(/\s+/g, ' ')
  assert.match(said, /looked_idx was made under the search path of the database.*load the dump without --exit-on-error/)
})
