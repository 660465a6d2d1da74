import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check } from '../../src/components/postgres/check/check.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

/** What a restore could not do as it is, is known before the first backup: by trying, in a throw-away server. */
const postgres = await startPostgres()
const context = testContext()
const NAME = 'rehearsed'

/** What check says of any database here. */
const OF_THE_SERVER = /free space|restore user|backup user|client tools|damaged indexes|not captured/

async function findings(sql: string): Promise<string[]> {
  await postgres.createDatabase(NAME)
  await postgres.sql(NAME, `set search_path = public; ${sql}`)
  return again()
}

async function again(): Promise<string[]> {
  const found = await check(postgres.settings(NAME), context)
  const about = (subject: string): boolean => !OF_THE_SERVER.test(subject)
  return found
    .filter(({ level, subject }) => level !== 'ok' && about(subject))
    .map(({ subject, message }) => `${subject.replace(`database ${NAME}: `, '')}: ${message}`)
}

async function assertNamed(sql: string, ...patterns: readonly RegExp[]): Promise<void> {
  const found = await findings(sql)
  for (const pattern of patterns)
    assert.ok(
      found.some((one) => pattern.test(one)),
      `${pattern} in\n${found.join('\n')}`,
    )
}

test('an ordinary schema gives nothing to say', async () => {
  const found =
    await findings(`create extension citext; create table t (id int primary key, c citext check (c <> ''), state varchar check (state in ('a', 'b')));
    create function plain(text) returns text language sql immutable as $$ select pg_catalog.lower($1) $$;
    create index on t (plain(state)); create materialized view m as select * from t; create domain d as text check (plain(value) <> '');
    create function audit() returns trigger language plpgsql as $$ begin return new; end $$; create trigger audit before update on t for each row when (old.id > 1) execute function audit()`)
  assert.deepEqual(found, [])
})

test('what leans on the search path is named', async () => {
  await assertNamed(
    `create function helper(text) returns boolean language sql immutable as $$ select length($1) > 1 $$;
      create function looks_ok(text) returns boolean language plpgsql immutable as $$ begin return helper($1); end $$;
      create function slug(value text) returns text language plpgsql immutable strict as $$ begin return case when helper(value) then value end; end $$;
      create domain code as text check (looks_ok(value)); create table item (c code, t text, s text generated always as (slug(t)) stored, check (looks_ok(t)));
      create index by_slug on item (slug(t)); create table doc (body text);
      create function words() returns setof text language sql stable as $$ select body from doc $$; create materialized view vocabulary as select words() as word`,
    /^domain public.code: looks for .*helper/,
    /^generated column s of public.item: looks for .*helper/,
    /^CHECK constraint item_t_check of public.item: looks for/,
    /^index by_slug of public.item: looks for/,
    /^MATERIALIZED VIEW public.vocabulary: cannot be filled .*doc/,
  )
})

test('a check that reads another table is named, however many functions and views are between', async () => {
  await assertNamed(
    `create table allowed (code text primary key); create view codes as select code from allowed;
      create function inner_ok(c text) returns boolean language sql stable as $$ select exists (select from public.codes where code = c) $$;
      create function outer_ok(c text) returns boolean language plpgsql stable as $$ begin return public.inner_ok(c); end $$;
      create table uses (c text check (outer_ok(c)))`,
    /^constraints that read other tables: CHECK constraint uses_c_check of public.uses: reads public.allowed, public.codes/,
  )
})

test('what PostgreSQL cannot make again is named with the way to restore without it', async () => {
  await assertNamed(
    `create extension ltree; create table region (id int, path ltree);
      create function noop() returns trigger language plpgsql as $$ begin return new; end $$;
      create trigger moved after update on region for each row when (old.path is distinct from new.path) execute function noop();
      create table space (a text[], v int); create trigger bump before update on space for each row when (old is distinct from new) execute function noop();
      alter table space add column depth int generated always as (cardinality(a)) stored`,
    /^TRIGGER public region moved: a restore makes it in another way \(search-path\)/,
    /^TRIGGER public space bump: PostgreSQL cannot make it again/,
  )
})

test('a materialized view over another server is named, and the server is not asked', async () => {
  await assertNamed(
    `create extension postgres_fdw; create server away foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1');
      create user mapping for public server away; create foreign table rates (a int) server away; create materialized view cached as select a from rates with no data`,
    /^MATERIALIZED VIEW public.cached: cannot be filled .*foreign/,
  )
})

test('a materialized view whose owner, or that of a view below, may no longer read is named', async () => {
  await assertNamed(
    `create role below; create role above; create table t (id int); insert into t values (1); grant select on t to below; create view v as select * from t; alter view v owner to below;
      grant select on v to above; create materialized view m as select * from v; alter materialized view m owner to above; create materialized view n as select * from t; alter materialized view n owner to below; revoke select on v from above`,
    /^MATERIALIZED VIEW public.m: cannot be filled .*permission denied for view v/,
  )
})

test('the answer is kept until a definition changes', async () => {
  assert.deepEqual(await findings('create table t (a int); insert into t values (1)'), [])
  const phases: string[] = []
  const run = async (): Promise<number> => {
    phases.length = 0
    await check(postgres.settings(NAME), {
      ...context,
      progress: (event) => void (event.type === 'phase' && phases.push(event.phase)),
    })
    return phases.filter((phase) => phase === 'rehearse').length
  }
  await postgres.sql(NAME, 'insert into public.t values (2); analyze')
  assert.equal(await run(), 0)
  await postgres.sql(NAME, 'alter table public.t add column b int')
  assert.equal(await run(), 1)
  assert.equal(await run(), 0)
  await postgres.sql(NAME, 'grant select on public.t to public')
  assert.equal(await run(), 1)
  assert.equal(await run(), 0)
})

test('code of an owner has no rights of a superuser in a rehearsal', async () => {
  await postgres.sql('postgres', `drop role if exists hostile; create role hostile`)
  const found = await findings(`grant all on schema public to hostile; set role hostile;
    create function whoami(text) returns boolean language plpgsql as $$ begin execute 'reset role';
      if (select rolsuper from pg_catalog.pg_roles where rolname = session_user or rolname = current_user) then perform 1 from nowhere_super; end if; perform 1 from nowhere; return true; end $$;
    create table t (a text check (whoami(a)))`)
  assert.ok(
    found.some((one) => one.includes('relation "nowhere" does not exist')),
    found.join('\n'),
  )
})
