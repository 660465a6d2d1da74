import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadDumpFile } from '../../src/components/postgres/dumps/load.ts'
import { writeDumpFile } from '../../src/components/postgres/dumps/write.ts'
import { makeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { dumpWith } from '../parts/dump-tools.ts'
import { captureInto, sql } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

/** SQL for a reader of KLEIDIA_BACKUP_V1, which feeds it to the database that is there, as one transaction. */
const postgres = await startPostgres()
const context = testContext()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-existing-'))
after(() => rm(folder, { recursive: true, force: true }))

const MADE = `create table users (id int generated always as identity primary key, name text not null unique);
  create table "Köy's" (n int references users); create table keys (serial text primary key, owner int references users, made timestamptz default now()); create index on keys (owner);
  create table logs (at date, what text, primary key (at, what)) partition by range (at);
  create table logs_old partition of logs for values from (minvalue) to ('2026-01-01') partition by list (what);
  create table logs_old_all partition of logs_old default; create table logs_new partition of logs default;
  create function touched() returns trigger language plpgsql as 'begin return new; end';
  create trigger touched before update on users for each row execute function touched();
  create view owned as select u.name, k.serial from users u join keys k on k.owner = u.id;
  create materialized view names as select name from users; create type mood as enum ('well'); create sequence own;
  alter table users add constraint long check (length(name) < 99) not valid;
  insert into users (name) values ('a'), ('ü'); insert into keys values ('x', 1); insert into logs values ('2025-01-01', 'in'), ('2026-02-01', 'out');`
/** Needs the key of its table: pg_dump makes another view of it before it drops that. */
const GROUPED = `create view per_user as select u.id, u.name, count(k.serial) as keys from users u left join keys k on k.owner = u.id group by u.id;`
const CHANGED = `insert into users (name) values ('later'); delete from keys; alter table keys add column more int references users; drop table logs_new;
  create index since on users (lower(name));`

async function content(database: string): Promise<string> {
  const text = await dumpWith(postgres, 'pg_dump', [database])
  return text.replaceAll(/^\\(?:un)?restrict .*$|^-- Dumped.*$/gm, '')
}

async function exported(database: string, name: string): Promise<string> {
  const scratchFolder = await makeTemporaryFolder()
  const { details, source } = await captureInto(postgres.settings(database), context)
  const path = join(folder, name)
  const output = { format: 'sql', path, scratchFolder, overExisting: true } as const
  await writeDumpFile(postgres.settings(database), details, source, output, context)
  await rm(scratchFolder, { recursive: true, force: true })
  return path
}

/** As Kleidia's page has it. */
async function feed(database: string, path: string): Promise<void> {
  const wrapped = `${path}.wrapped`
  const text = await readFile(path, 'utf8')
  await writeFile(
    wrapped,
    `SET session_replication_role = 'replica';\n${text}\nSET session_replication_role = 'origin';\n`,
  )
  await dumpWith(postgres, 'psql', [
    '-X',
    '-q',
    '-1',
    '--set=ON_ERROR_STOP=1',
    '-o',
    '/dev/null',
    '-f',
    wrapped,
    database,
  ])
}

for (const [name, also] of [
  ['existing', ''],
  ['existing_large', `select lo_from_bytea(4711, 'photo'); ${GROUPED}`],
] as const)
  test(`${name}: what is exported replaces what is there, as often as it is fed`, { timeout: 120_000 }, async () => {
    await postgres.createDatabase(name)
    await sql(name, `${MADE} ${also}`)
    const was = await content(name)
    const path = await exported(name, `${name}.sql`)
    await feed(name, path)
    assert.equal(await content(name), was)
    await sql(name, CHANGED)
    await feed(name, path)
    await feed(name, path)
    assert.equal(await content(name), was)
    await postgres.createDatabase('fresh')
    await feed('fresh', path)
    assert.equal(await content('fresh'), was)
    if (also === '') await imported(path)
  })

test('it is all or nothing', { timeout: 120_000 }, async () => {
  await postgres.createDatabase('atomic')
  await sql('atomic', MADE)
  const path = await exported('atomic', 'atomic.sql')
  await sql('atomic', `delete from keys; create view holds as select * from users`)
  const before = await content('atomic')
  await assert.rejects(feed('atomic', path), /other objects depend on it/)
  assert.equal(await content('atomic'), before)
})

async function imported(path: string): Promise<void> {
  const scratchFolder = await makeTemporaryFolder()
  const flags = { trusted: false, withPasswords: false, scratchFolder } as const
  const loaded = await loadDumpFile(postgres.settings('fresh'), { format: 'sql', path, ...flags }, context)
  try {
    const { details } = await captureInto(loaded.settings, context)
    const rows = details.fingerprint.tables.map((table) => `${table.name} ${table.rows}`)
    assert.ok(rows.includes('public.users 2') && rows.includes('public.keys 1'), rows.join(', '))
  } finally {
    await loaded.close()
    await rm(scratchFolder, { recursive: true, force: true })
  }
}
