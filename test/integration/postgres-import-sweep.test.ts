import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import type { DumpFormat } from '../../src/components/capabilities/dumps.ts'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { loadDumpFile } from '../../src/components/postgres/dumps/load.ts'
import type { PostgresSettings } from '../../src/components/postgres/schema.ts'
import { chooseTools } from '../../src/components/postgres/tools/tools.ts'
import { Failure } from '../../src/core/failure.ts'
import { Secret } from '../../src/core/secret.ts'
import { makeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { choose, damagesOf, readDump, writeDump, type Damage } from '../parts/dump-damages.ts'
import { MAJORS, programsOf, providePostgresVersions, type Major } from '../parts/postgres-versions.ts'
import { startPrivate, testContext, type TestPostgres } from '../parts/postgres.ts'

/**
 * Dumps of every format are cut, emptied, taken apart and added to. A point may be made of what is left only if it has every row and
 * large object of the dump, or names what it lacks. `npm run soak` tries all majors and at least 500 ways.
 */
const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const TRIED: readonly Major[] = SOAK ? MAJORS : [15, 17]
const WAYS_OF_A_DUMP = SOAK ? 24 : 6
/** Each is a server of its own. */
const AT_ONCE = 3
await providePostgresVersions(SOAK ? MAJORS : [15, 17])
const context = testContext()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-sweep-'))
after(() => rm(folder, { recursive: true, force: true }))

const SCHEMA = `set search_path = public; create table a_notes (t text); create table b_logs (t text); create table nothing (a int);
  create table numbered (id int generated always as identity primary key, name text);
  insert into a_notes select 'note ' || n from generate_series(1, 300) n; insert into b_logs select E'\\\\.\\nlog ' || n from generate_series(1, 200) n;
  insert into numbered (name) select md5(n::text) from generate_series(1, 50) n;
  select lo_from_bytea(4711, decode(repeat('abcdef', 2000), 'hex')), lo_from_bytea(4712, 'small'), lo_from_bytea(4713, '')`

interface Kind {
  readonly name: string
  readonly format: DumpFormat
  readonly program: 'pg_dump' | 'pg_dumpall'
  readonly args: readonly string[]
  /** The one whose pg_dump was built with it. */
  readonly only?: Major
  /** Also tried of a second major when there is little time. */
  readonly always?: boolean
}

const KINDS: readonly Kind[] = [
  { name: 'plain', format: 'sql', program: 'pg_dump', args: ['portal'] },
  { name: 'inserts', format: 'sql', program: 'pg_dump', args: ['--inserts', '--create', 'portal'] },
  { name: 'all', format: 'sql', program: 'pg_dumpall', args: ['--clean'] },
  { name: 'custom', format: 'custom', program: 'pg_dump', args: ['-Fc', 'portal'] },
  { name: 'custom, uncompressed', format: 'custom', program: 'pg_dump', args: ['-Fc', '-Z0', 'portal'] },
  { name: 'directory, gzip', format: 'directory', program: 'pg_dump', args: ['-Fd', 'portal'] },
  { name: 'directory, none', format: 'directory', program: 'pg_dump', args: ['-Fd', '-Z0', 'portal'], always: true },
  { name: 'directory, inserts', format: 'directory', program: 'pg_dump', args: ['-Fd', '-Z0', '--inserts', 'portal'] },
  { name: 'directory, lz4', format: 'directory', program: 'pg_dump', args: ['-Fd', '-Zlz4', 'portal'], only: 17 },
  { name: 'directory, zstd', format: 'directory', program: 'pg_dump', args: ['-Fd', '-Zzstd', 'portal'], only: 17 },
]

async function dumpOf({ server }: TestPostgres, major: Major, { program, args }: Kind, path: string): Promise<void> {
  const tools = await chooseTools(major * 10_000, {}, context)
  const password = server.password instanceof Secret ? server.password.reveal() : ''
  const env = { PGHOST: server.host, PGPORT: String(server.port), PGUSER: server.user, PGPASSWORD: password }
  await promisify(execFile)(join(tools.folder, program), ['--file', path, ...args], { env })
}

interface Imported {
  /** `what` to its rows, or to the content of the large object. */
  readonly content: ReadonlyMap<string, readonly string[]>
  readonly notCaptured: readonly string[]
}

/** Everything by name: each row is one text. */
const CONTENT = `select 'public.a_notes' as name, t as row from public.a_notes union all select 'public.b_logs', t from public.b_logs
  union all select 'public.numbered', n::text from public.numbered n
  union all select 'public.numbered_id_seq', last_value::text from public.numbered_id_seq
  union all select oid::text, encode(lo_get(oid), 'hex') from pg_largeobject_metadata`

async function contentOf({ host, port, user, password, database }: PostgresSettings): Promise<Imported['content']> {
  const server = { host, port, user, password, tls: 'disable', tlsCa: undefined, through: undefined } as const
  const { rows } = await withSession(server, database, context, (client) =>
    client.query<{ name: string; row: string }>(CONTENT),
  )
  return new Map(
    [...Map.groupBy(rows, ({ name }) => name)].map(([name, all]) => [name, all.map(({ row }) => row)] as const),
  )
}

async function importOf(settings: PostgresSettings, format: DumpFormat, path: string): Promise<Imported> {
  const scratchFolder = await makeTemporaryFolder()
  try {
    const request = { format, path, trusted: true, withPasswords: false, scratchFolder }
    const loaded = await loadDumpFile(settings, request, context)
    try {
      const content = await contentOf(loaded.settings)
      return { content, notCaptured: await notCapturedOf(loaded) }
    } finally {
      await loaded.close()
    }
  } finally {
    await rm(scratchFolder, { recursive: true, force: true })
  }
}

async function notCapturedOf(loaded: Awaited<ReturnType<typeof loadDumpFile>>): Promise<readonly string[]> {
  // Of what a capture found only the roles are looked at.
  const details = { roles: [] } as unknown as Parameters<typeof loaded.complete>[0]['details']
  const sink = { write: () => Promise.reject(new Error('nothing is written')) }
  return (await loaded.complete({ details, notCaptured: [] }, sink)).notCaptured
}

/** Names of what lacks something that was there, and is not said. */
function unsaid(whole: Imported['content'], { content, notCaptured }: Imported, { isExchange }: Damage): string[] {
  const excuse = isExchange ? /^proof that files .* exchanged/ : /^proof of the length/
  const said = notCaptured.filter((sentence) => excuse.test(sentence)).join('\n')
  return [...whole].flatMap(([name, rows]) => {
    const left = Map.groupBy(content.get(name) ?? [], (row) => row)
    const lacks = [...Map.groupBy(rows, (row) => row)].some(([row, all]) => (left.get(row)?.length ?? 0) < all.length)
    return lacks && !said.includes(name) ? [name] : []
  })
}

async function inParallel<Item>(items: readonly Item[], act: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values()
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of queue) await act(item)
    }),
  )
}

async function sweep(settings: PostgresSettings, kind: Kind, path: string, from: number): Promise<number> {
  const whole = await importOf(settings, kind.format, path)
  assert.equal(whole.content.get('public.a_notes')?.length, 300)
  let made = 0
  await inParallel(choose(damagesOf(await readDump(path)), WAYS_OF_A_DUMP, from), async (damage) => {
    const damaged = await mkdtemp(join(folder, 'way-'))
    await writeDump(join(damaged, 'it'), damage.files)
    const result = await importOf(settings, kind.format, join(damaged, 'it')).catch((error: unknown) => {
      assert.ok(error instanceof Failure, `${damage.name}: ${String(error)}`)
      assert.notEqual(error.kind, 'bug', damage.name)
      return undefined
    })
    made += 1
    if (result !== undefined) assert.deepEqual(unsaid(whole.content, result, damage), [], damage.name)
    await rm(damaged, { recursive: true, force: true })
  })
  return made
}

function isTried({ only, always = false }: Kind, major: Major): boolean {
  return only === undefined ? SOAK || always || major === TRIED[0] : only === major
}

let tried = 0
for (const [number, major] of TRIED.entries()) {
  test(`${major}: no damaged dump becomes a point that lacks something unsaid`, { timeout: 3_600_000 }, async () => {
    const postgres = await startPrivate({}, major)
    await postgres.createDatabase('portal')
    await postgres.sql('portal', SCHEMA)
    for (const [index, kind] of KINDS.entries()) {
      if (!isTried(kind, major)) continue
      const path = join(folder, `${major} ${kind.name}`)
      await dumpOf(postgres, major, kind, path)
      const settings = postgres.settings(
        'portal',
        kind.only === undefined ? {} : { toolsFolder: await programsOf(kind.only) },
      )
      tried += await sweep(settings, kind, path, 3 * index + number)
    }
  })
}

test('as many ways were tried as are promised', () => {
  assert.ok(tried >= (SOAK ? 500 : 60), `${tried} ways`)
})
