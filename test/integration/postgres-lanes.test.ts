import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../src/core/failure.ts'
import type { Bytes } from '../../src/core/ports.ts'
import type { ArtifactSink, ArtifactSource } from '../../src/components/transfer.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { cutIntoLanes, planLanes } from '../../src/components/postgres/capture/lanes.ts'
import type { PostgresDetails } from '../../src/components/postgres/schema.ts'
import { connect, withSession } from '../../src/components/postgres/connection/connection.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()

/** Tables above the size at which rows get lanes, with all that makes a table odd. */
const TABLES = `
  create schema "odd ""schema";
  create type mood as enum ('calm', 'alarmed');
  create table parents (id int primary key, name text not null);
  insert into parents select n, 'p' || n from generate_series(1, 100) n;
  create table "odd ""schema"."big %table
newline" (gone int, id bigint generated always as identity primary key, parent int references parents,
    "a ""column" text, doubled text generated always as (upper("a ""column")) stored, payload bytea, amount numeric, seen timestamptz, tags text[], mood mood);
  alter table "odd ""schema"."big %table
newline" drop column gone;
  insert into "odd ""schema"."big %table
newline" (parent, "a ""column", payload, amount, seen, tags, mood)
    select 1 + n % 100, E'tab\\t back\\\\slash new\\nline ' || n, decode(repeat(md5(n::text), 6), 'hex'), n / 7.0, now() + n * interval '1 s', array['a', null, 'b"c'], (array['calm', 'alarmed', null])[1 + n % 3]::mood
    from generate_series(1, 90000) n;
  create table parts (id int, body text) partition by range (id);
  create table parts_low partition of parts for values from (0) to (60000);
  create table parts_high partition of parts for values from (60000) to (maxvalue);
  insert into parts select n, repeat(md5(n::text), 10) from generate_series(1, 120000) n;
  create domain positive as int check (value > 0);
  create table few (id positive primary key, large text);
  alter table few alter large set storage external;
  insert into few select n, repeat(md5(n::text), 60000) from generate_series(1, 12) n;
  create index on parts (body);
`

interface Stored {
  readonly sink: ArtifactSink
  readonly source: ArtifactSource
  readonly contents: Map<string, Buffer>
}

function store(): Stored {
  const contents = new Map<string, Buffer>()
  const read = async function* (role: string): Bytes {
    const content = contents.get(role)
    if (content === undefined) throw new Failure('corrupt', `no ${role}`)
    for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536)
  }
  return {
    contents,
    sink: {
      async write(role, _kind, content) {
        const chunks: Uint8Array[] = []
        for await (const chunk of content) chunks.push(Buffer.from(chunk))
        contents.set(role, Buffer.concat(chunks))
      },
    },
    source: {
      read,
      sizeOf: (role) => contents.get(role)?.length ?? 0,
      get roles() {
        return [...contents.keys()]
      },
    },
  }
}

async function make(database: string): Promise<void> {
  await postgres.createDatabase(database)
  await postgres.sql(database, `set search_path = public; ${TABLES}`)
}

async function capture(database: string): Promise<Stored & { details: PostgresDetails }> {
  const stored = store()
  const { details } = await postgresDriver.capture(postgres.settings(database), stored.sink, context)
  return { ...stored, details }
}

test('large tables go in lanes, and all of it comes back', async () => {
  await make('lanes')
  const { details, source } = await capture('lanes')
  const tables = [...new Set(details.lanes.map(({ table }) => table))].sort()
  assert.deepEqual(tables, ['big %table\nnewline', 'few', 'parts_high', 'parts_low'])
  // The domain has text rows, the others binary ones.
  const formats = new Map(details.lanes.map(({ table, format }) => [table, format]))
  assert.deepEqual([...formats.values()].toSorted(), ['binary', 'binary', 'binary', 'text'])
  assert.equal(formats.get('few'), 'text')
  await postgresDriver.examine(details, source, context)
  const target = await postgresDriver.open(postgres.settings('lanes'), { mode: 'swap', restoreId: '0a0a0a0a' }, context)
  await target.load(details, source, context)
  assert.deepEqual(await target.compare(details, context), [])
  const seen = await withSession(postgres.server, 'lanes__r_0a0a0a0a', context, (session) =>
    session.query(
      "select relname, relpages > 0 and relallvisible = relpages as frozen from pg_class where relname = any ($1) and relkind = 'r'",
      [tables],
    ),
  )
  assert.deepEqual(
    seen.rows.filter(({ frozen }) => frozen !== true),
    [],
    'loaded by one session, and so frozen',
  )
  assert.equal(seen.rows.length, 4)
  await target.discard(context)
})

test('a large table is cut by blocks into parts that hold every row once', async () => {
  await make('cut')
  const rows = await withSession(postgres.server, 'cut', context, async (session) => {
    const lanes = await planLanes(session, { tableBytes: 1024, laneBytes: 1024 * 1024, most: 1000 })
    const parts = lanes.filter(({ table }) => table === 'parts_high')
    assert.ok(parts.length > 5, `only ${parts.length} parts`)
    let counted = 0
    for (const { from, to } of parts) {
      const end = to === undefined ? '' : ` and ctid < '(${to},0)'::tid`
      const found = await session.query(
        `select count(*)::int as n from public.parts_high where ctid >= '(${from},0)'::tid${end}`,
      )
      counted += Number(found.rows[0].n)
    }
    return counted
  })
  assert.equal(rows, 60_001)
})

test('there are never more lanes than the limit', () => {
  const table = {
    name: 't',
    schema: 's',
    relation: 't',
    columns: ['a'],
    types: ['int4'],
    blocks: 1_000_000_000,
    bytes: 8e12,
    plannable: true,
  }
  const lanes = cutIntoLanes([table], { tableBytes: 1, laneBytes: 1024, most: 1000 })
  assert.ok(lanes.length <= 1000 && lanes.length > 900, String(lanes.length))
  assert.equal(lanes[0]?.from, 0)
  assert.equal(lanes.at(-1)?.to, undefined)
  assert.ok(lanes.every((lane, index) => index === 0 || lane.from === lanes[index - 1]?.to))
})

test('a table of few blocks and large values is cut by its real size, and a partitioned table by its leaves', async () => {
  await make('sized')
  const limits = { tableBytes: 1024 * 1024, laneBytes: 4 * 1024 * 1024, most: 1000 }
  const lanes = await withSession(postgres.server, 'sized', context, (session) => planLanes(session, limits))
  // Its main file has one block; its values are elsewhere.
  assert.ok(lanes.some(({ table }) => table === 'few'))
  assert.ok(!lanes.some(({ table }) => table === 'parts'), 'a partitioned table has no rows of its own')
  const sizeOfFew = {
    name: 'few',
    schema: 'public',
    relation: 'few',
    columns: ['id'],
    types: ['int4'],
    blocks: 40,
    bytes: 1e9,
    plannable: true,
  }
  const parts = cutIntoLanes([sizeOfFew], { ...limits, laneBytes: 128 * 1024 * 1024 })
  assert.deepEqual(
    parts.map(({ from, to }) => (to ?? 40) - from),
    [5, 5, 5, 5, 5, 5, 5, 5],
  )
})

const VALUE_TOO_MANY = Buffer.from('1\t2\t3\t4\t5\t6\t7\t8\t9\t10\n')
for (const [defect, format, spoil] of [
  ['cut in the middle of a text row', 'text', (content: Buffer) => content.subarray(0, -10)],
  ['a text value too many', 'text', (content: Buffer) => Buffer.concat([content, VALUE_TOO_MANY])],
  ['cut before the end of binary rows', 'binary', (content: Buffer) => content.subarray(0, -2)],
  ['followed by more than binary rows', 'binary', (content: Buffer) => Buffer.concat([content, VALUE_TOO_MANY])],
] as const) {
  test(`examine finds rows that are ${defect}`, async () => {
    await make('examined')
    const { details, source, contents } = await capture('examined')
    const role = details.lanes.find((lane) => lane.format === format)?.role ?? ''
    contents.set(role, spoil(contents.get(role) ?? Buffer.alloc(0)))
    await assert.rejects(postgresDriver.examine(details, source, context), { kind: 'corrupt' })
  })
}

test('a lane that breaks while it is loaded leaves no side database', async () => {
  await make('broken')
  const { details, source, contents } = await capture('broken')
  const role = details.lanes[0]?.role ?? ''
  const broken: ArtifactSource = {
    roles: source.roles,
    sizeOf: (wanted) => source.sizeOf(wanted),
    async *read(wanted) {
      if (wanted !== role) return yield* source.read(wanted)
      yield (contents.get(role) ?? Buffer.alloc(0)).subarray(0, 100_000)
      throw new Failure('corrupt', 'planted')
    },
  }
  const target = await postgresDriver.open(
    postgres.settings('broken'),
    { mode: 'swap', restoreId: '0b0b0b0b' },
    context,
  )
  await assert.rejects(target.load(details, broken, context), { kind: 'corrupt', message: /planted/ })
  assert.equal(await target.state(context), 'untouched')
})

test('a lane whose server session ends fails the capture', async () => {
  await make('cutoff')
  const { sink } = store()
  const slow: ArtifactSink = {
    write: (role, kind, content) =>
      sink.write(role, kind, role.startsWith('rows-') ? terminatedAfterFirst(content) : content),
  }
  await assert.rejects(
    postgresDriver.capture(postgres.settings('cutoff'), slow, context),
    (error: unknown) => error instanceof Failure && ['unreachable', 'toolFailed'].includes(error.kind),
  )
})

async function* terminatedAfterFirst(content: Bytes): Bytes {
  let first = true
  for await (const chunk of content) {
    yield chunk
    if (!first) continue
    first = false
    await postgres.sql(
      'postgres',
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'cutoff' and query like 'copy %'`,
    )
  }
}

test('a restore in place with lanes gives the captured content', async () => {
  await make('placed')
  const { details, source } = await capture('placed')
  await postgres.sql(
    'placed',
    'set search_path = public; delete from few; update parents set name = null where false; drop table parts; create table extra (parent int references parents)',
  )
  const target = await postgresDriver.open(
    postgres.settings('placed'),
    { mode: 'in-place', restoreId: '0c0c0c0c' },
    context,
  )
  await target.fence(context)
  await target.load(details, source, context)
  const differences = await target.compare(details, context)
  assert.ok(
    differences.every(({ subject }) => subject.includes('extra')),
    JSON.stringify(differences),
  )
  await target.reopen(context)
})

test('while others use the server, the fingerprint waits until all lanes are read', async () => {
  await make('shared')
  const reading = `select count(*)::int as n from pg_stat_activity where datname = 'shared' and query like 'select count(*)::text as rows, %' and state = 'active'`
  const seen = { beforeRows: 0, afterRows: 0 }
  const { details } = await capture('shared')
  const { sink } = store()
  let left = details.lanes.length
  const slow: ArtifactSink = {
    async write(role, kind, content) {
      await sink.write(role, kind, content)
      await sleep(100)
      if (role.startsWith('rows-')) left -= 1
    },
  }
  const busy = await Promise.all([1, 2].map(() => connect(postgres.server, 'postgres', context)))
  const done = new AbortController()
  const sampling = (async () => {
    while (!done.signal.aborted) {
      const [row] = await postgres.sql('postgres', reading)
      if (Number(row?.['n']) > 0) seen[left > 0 ? 'beforeRows' : 'afterRows'] += 1
    }
  })()
  try {
    for (const session of busy) await session.query('begin')
    await postgresDriver.capture(postgres.settings('shared'), slow, context)
  } finally {
    done.abort()
    await sampling
    await Promise.all(busy.map((session) => session.end()))
  }
  assert.equal(seen.beforeRows, 0)
  assert.ok(seen.afterRows > 0, 'it was looked for often enough to be seen')
})
