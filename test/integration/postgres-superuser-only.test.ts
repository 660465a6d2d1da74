import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check } from '../../src/components/postgres/check/check.ts'
import { grants } from '../../src/components/postgres/roles/grants.ts'
import type { PostgresSettings } from '../../src/components/postgres/schema.ts'
import type { Finding } from '../../src/core/restore-point.ts'
import { captureInto, openTarget, restoreWhole, sql } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

/** What a role of `holdfast grants` cannot bring back: check, grants and preflight name the same, and it really fails. */
const postgres = await startPostgres()
const context = testContext()
await sql(
  'postgres',
  `create role app_owner; create role monitor; create role restorer login createdb password 'r' in role app_owner, pg_signal_backend`,
)

/** Each by the name that is said of it, and how it is made by a superuser. */
const KINDS: Readonly<Record<string, string>> = {
  'extension postgres_fdw': 'create extension postgres_fdw',
  'event trigger seen': `create function seen() returns event_trigger language plpgsql as 'begin end'; alter function seen() owner to app_owner; create event trigger seen on ddl_command_end execute function seen()`,
  'publication everything for all tables': 'create publication everything for all tables',
  'publication few for tables in schema': 'create publication few for tables in schema public',
  'language own': `create function own_handler() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler'; create language own handler own_handler`,
  'function public.plus(integer,integer) in language internal': `create function plus(int, int) returns int language internal as 'int4pl'; alter function plus owner to app_owner`,
  'function public.handles() in language c': `create function handles() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler'; alter function handles owner to app_owner`,
  'leakproof function public.tight()': `create function tight() returns int leakproof language sql as 'select 1'; alter function tight owner to app_owner`,
  'support function of function public.helped(integer[])': `create function helped(int[]) returns setof int language sql support array_unnest_support as 'select unnest($1)'; alter function helped owner to app_owner`,
  'aggregate public.summed(bigint) with a state of type internal':
    'create aggregate summed (int8) (sfunc = int8_avg_accum, stype = internal, finalfunc = numeric_poly_avg); alter aggregate summed (int8) owner to app_owner',
  'foreign-data wrapper far': 'create foreign data wrapper far',
  'base type public.raw': `create type raw; create function raw_in(cstring) returns raw strict immutable language internal as 'textin'; create function raw_out(raw) returns cstring strict immutable language internal as 'textout'; create type raw (input = raw_in, output = raw_out)`,
  'operator class own_ops':
    'create operator class own_ops for type int using btree as operator 1 <, operator 3 =, operator 5 >, function 1 btint4cmp(int, int)',
  'operator family alone': 'create operator family alone using btree',
  'cast from integer to point': `create function to_point(int) returns point language sql as 'select point($1, $1)'; alter function to_point owner to app_owner; create cast (int as point) with function to_point(int)`,
  'cast from public.own_range to public.other_range': `create type own_range as range (subtype = int8); create type other_range as range (subtype = int8); alter type own_range owner to app_owner; alter type other_range owner to app_owner; create cast (own_range as other_range) without function`,
  'access method heap2': 'create access method heap2 type table handler heap_tableam_handler',
  'text search parser own':
    'create text search parser own (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype)',
  'text search template own': 'create text search template own (lexize = dsimple_lexize)',
  'grants on function pg_ls_dir(text)': 'grant execute on function pg_ls_dir(text) to monitor',
  'grants on pg_catalog.pg_authid': 'grant select on pg_authid to monitor',
  'objects of ': `create table of_superuser (a int)`,
}

/** What anybody with the rights brings back, some of it made by the server itself. */
const SOUND = `create aggregate total (int) (sfunc = int4pl, stype = int, initcond = '0'); create type span as range (subtype = int, multirange_type_name = spanmultirange);
  create type label as enum ('a'); create function of_text(text) returns label language sql as 'select null::label'; create cast (text as label) with function of_text(text);
  create type pair as (a int, b span); create domain few as int check (value < 9); create table t2 (a int, b int); create table t (a span, b spanmultirange);
  create view v as select total(1); create function doubled(int) returns int language sql begin atomic select $1 * 2; end; create operator <@@> (leftarg = int, rightarg = int, function = int4pl);
  create text search dictionary dict (template = simple); create text search configuration conf (copy = simple); create statistics s on a, b from t2;
  create extension hstore; create extension citext; create publication p for table t2; create collation c (locale = 'C'); create conversion cv for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;`

function settingsOf(database: string): PostgresSettings {
  return postgres.settings(database, { restoreUser: 'restorer', restorePassword: 'r' })
}

async function made(name: string, text: string, as = ''): Promise<PostgresSettings> {
  await postgres.createDatabase(name, 'owner app_owner')
  await sql(name, `grant create on schema public to app_owner; ${as} ${text}`)
  return settingsOf(name)
}

/** What cannot be restored, as the findings have it. */
function lacks(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ level, message, hint }) => {
    const [, what] = /^cannot restore (.*): that takes a superuser$/.exec(message) ?? []
    if (what === undefined) return []
    assert.equal(level, 'error')
    assert.match(hint ?? '', /\.$/)
    return [what]
  })
}

/** Those that this server has. */
const kinds = Object.entries(KINDS).filter(
  ([what]) => !what.includes('in schema') || (postgres.process?.major ?? 15) >= 15,
)

test('check, grants and preflight name the same, all of it and nothing else', { timeout: 60_000 }, async () => {
  const settings = await made('special', kinds.map(([, statements]) => statements).join('; '))
  const found = await check(settings, context)
  const checked = lacks(found.filter(({ subject }) => subject === 'restore user restorer'))
  for (const [what] of kinds)
    assert.ok(
      checked.some((one) => one.startsWith(what)),
      `${what} in ${checked.join('; ')}`,
    )
  const { details } = await captureInto(postgres.settings('special'), context)
  assert.deepEqual(lacks(await (await openTarget(settings)).preflight(details, context)), checked)
  const text = await grants(settings, 'restore', context)
  const printed = [...text.matchAll(/^-- Only a superuser can restore (.*): [^:]*\.$/gm)].map(([, one]) => one)
  assert.deepEqual(printed, checked)
})

for (const [what, statements] of kinds)
  test(`${what}: is named, and takes a superuser indeed`, { timeout: 60_000 }, async () => {
    const settings = await made('special', statements)
    const captured = await captureInto(postgres.settings('special'), context)
    const refused = lacks(await (await openTarget(settings)).preflight(captured.details, context))
    assert.ok(
      refused.some((one) => one.startsWith(what)),
      refused.join('; '),
    )
    assert.equal(await comesBack(settings, captured), false, 'it came back without the rights')
  })

async function comesBack(
  settings: PostgresSettings,
  captured: Awaited<ReturnType<typeof captureInto>>,
): Promise<boolean> {
  const target = await openTarget(settings)
  try {
    await target.load(captured.details, captured.source, context)
    return (await target.compare(captured.details, context)).length === 0
  } catch {
    return false
  } finally {
    await target.discard(context)
  }
}

test('what needs no superuser is refused by nobody, and comes back', { timeout: 60_000 }, async () => {
  const settings = await made('sound', SOUND, 'set role app_owner;')
  const checked = (await check(settings, context)).filter(
    ({ subject, level }) => subject.startsWith('restore user') && level !== 'ok',
  )
  assert.deepEqual(checked, [])
  const captured = await captureInto(postgres.settings('sound'), context)
  assert.deepEqual(captured.details.needs?.owners, ['app_owner'])
  assert.doesNotMatch(await grants(settings, 'restore', context), /superuser can/)
  const target = await openTarget(settings)
  assert.deepEqual(
    (await target.preflight(captured.details, context)).filter(({ level }) => level === 'error'),
    [],
  )
  assert.equal(await comesBack(settings, captured), true)
  await restoreWhole(target, captured, context)
  assert.deepEqual(await sql('sound', 'select total(x) from generate_series(1, 3) x'), [{ total: 6 }])
})

test('a grant on a parameter that a function sets is asked for, and enough', { timeout: 60_000 }, async (t) => {
  if (postgres.process !== undefined && postgres.process.major < 15) return t.skip('no grants on parameters')
  const settings = await made(
    'parameter',
    `create function loud() returns int language sql set log_min_messages = 'error' as 'select 1'; alter function loud owner to app_owner`,
  )
  const captured = await captureInto(postgres.settings('parameter'), context)
  const statement = 'grant set on parameter "log_min_messages" to "restorer";'
  assert.match(await grants(settings, 'restore', context), new RegExp(statement))
  assert.ok((await check(settings, context)).some(({ hint }) => hint?.includes(statement)))
  assert.equal(await comesBack(settings, captured), false)
  await sql('postgres', statement)
  assert.equal(await comesBack(settings, captured), true)
})
