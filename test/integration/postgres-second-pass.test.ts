import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { AcceptId } from '../../src/core/accept-ids.ts'
import { openPostgresTarget } from '../../src/components/postgres/restore/target/target.ts'
import { RESTORE_ID } from '../parts/postgres-restore.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

/** Databases that PostgreSQL itself cannot load again as they are: each comes back by another way, which is said. */
const postgres = await startPostgres()
const context = testContext()
const scratchFolder = await mkdtemp(join(tmpdir(), 'holdfast-second-pass-'))
after(() => rm(scratchFolder, { recursive: true, force: true }))

interface Case {
  readonly sql: string
  /** What a restore says. */
  readonly says: readonly RegExp[]
  readonly accept?: readonly AcceptId[]
  /** Asked of the restored database: must give the same as at the source. */
  readonly same?: string
}

const cases: Readonly<Record<string, Case>> = {
  'a domain whose check calls a function without its schema': {
    sql: `create function looks_ok(text) returns boolean language plpgsql immutable as $$ begin return helper($1); end $$;
      create function helper(text) returns boolean language sql immutable as $$ select length($1) > 1 $$;
      create domain code as text check (looks_ok(value));
      create table item (id int primary key, c code); insert into item values (1, 'ab'), (2, 'cd');`,
    says: [/TABLE DATA public item was made under the search path.*helper/],
  },
  'a generated column whose function calls another without its schema': {
    sql: `create extension unaccent;
      create function slug(value text) returns text language plpgsql immutable strict as $$ begin return lower(unaccent(value)); end $$;
      create table page (id int primary key, title text, slug text generated always as (slug(title)) stored);
      insert into page (id, title) values (1, 'Zoë');`,
    says: [/TABLE DATA public page was made under the search path/],
    same: 'select * from public.page',
  },
  'the search path of the database is not the default': {
    sql: `create schema lib; create function lib.helper(text) returns boolean language sql immutable as $$ select length($1) > 1 $$;
      create table item (id int primary key, c text); alter database second_pass set search_path = lib, public;
      create function looks_ok(text) returns boolean language plpgsql immutable as $$ begin return helper($1); end $$;
      alter table item add check (public.looks_ok(c)) not valid; alter table item validate constraint item_c_check; set search_path = lib, public; insert into item values (1, 'ab')`,
    says: [/TABLE DATA public item was made under the search path/],
  },
  'a materialized view over a function that names a table without its schema': {
    sql: `create table doc (id int primary key, body text); insert into doc values (1, 'one two');
      create function words(text) returns setof text language sql stable as $$ select regexp_split_to_table(body, ' ') from doc $$;
      create materialized view vocabulary as select words('x') as word;`,
    says: [/MATERIALIZED VIEW DATA public vocabulary/],
  },
  'a trigger that compares a type of an extension': {
    sql: `create extension ltree;
      create table region (id int primary key, path ltree); insert into region values (1, 'a.b');
      create function cascade_path() returns trigger language plpgsql as $$ begin return null; end $$;
      create trigger cascade_path after update on region for each row when (old.path is distinct from new.path) execute function cascade_path();
      comment on trigger cascade_path on region is 'kept'`,
    // What it uses is in the point, so that it is made under the right path at once.
    says: [],
  },
  'views whose text does not name their operators': {
    sql: `create extension citext; create table a (id int primary key, c citext); create table b (c citext);
      insert into a values (1, 'a'), (2, 'B'); insert into b values ('A');
      create view v1 as select a.id from a join b using (c); create view v2 as select * from v1;
      create view v4 as select id, case c when 'A'::citext then 1 else 2 end as n from a;
      create materialized view m as select id, nullif(c, 'A'::citext) as n from a; comment on view v1 is 'kept'; grant select on v1 to public;
      create function f() returns bigint language sql begin atomic select count(*) from a join b using (c); end;
      create function g(a boolean default ('A'::citext is distinct from 'a')) returns boolean language sql as 'select a';
      alter table a add constraint other check (c is distinct from 'X'::citext); create policy p on a using (c is distinct from 'x'::citext)`,
    says: [],
    same: `select (select count(*) from public.v2) as v2, array(select n from public.v4 order by id) as v4, array(select n from public.m order by id) as m, public.f() as f, public.g() as g`,
  },
  'a trigger from before a generated column': {
    sql: `create table space (id int primary key, path text[], version int default 0);
      insert into space values (1, array['a','b']);
      create function bump() returns trigger language plpgsql as $$ begin new.version := old.version + 1; return new; end $$;
      create trigger bump before update on space for each row when (old is distinct from new) execute function bump();
      comment on trigger bump on space is 'goes with it';
      alter table space add column depth int generated always as (cardinality(path)) stored;`,
    accept: ['without-triggers'],
    says: [/TRIGGER public space bump was LEFT OUT/, /COMMENT public TRIGGER "bump" ON "space" was LEFT OUT/],
    same: 'select * from public.space',
  },
  'a check that reads another table through a view and two functions': {
    sql: `create table allowed (code text primary key); insert into allowed values ('x');
      create view codes as select code from allowed;
      create function inner_ok(c text) returns boolean language sql stable as $$ select exists (select from public.codes where code = c) $$;
      create function outer_ok(c text) returns boolean language plpgsql stable as $$ begin return public.inner_ok(c); end $$;
      create table a_uses (id int primary key, c text constraint from_list check (outer_ok(c))); insert into a_uses values (1, 'x');
      comment on constraint from_list on a_uses is 'kept'`,
    // Its rows are loaded once more when the other table has its own.
    says: [],
    same: `select c, obj_description(k.oid) as comment from public.a_uses, pg_constraint k where conname = 'from_list'`,
  },
  'rows that break a check of a partitioned table, a domain and a foreign key': {
    sql: `create table parent (id int, k int) partition by list (k); create table child partition of parent for values in (1);
      insert into parent values (1, 1); alter table parent add constraint late check (id > 5) not valid;
      create domain small as int; create table d (v small); insert into d values (7); alter domain small add constraint tiny check (value < 5) not valid;
      create table a (id int primary key); create table b (a int references a); insert into a values (1); insert into b values (1);
      set session_replication_role = replica; delete from a; set session_replication_role = origin;
      update pg_constraint set convalidated = true where conname in ('late', 'tiny')`,
    says: [
      /TABLE DATA public child is there as NOT VALID/,
      /TABLE DATA public d is there as NOT VALID/,
      /FK CONSTRAINT public b b_a_fkey is there as NOT VALID/,
    ],
    same: `select (select count(*) from public.parent) as p, (select count(*) from public.d) as d, (select count(*) from public.b) as b`,
  },
  'an index whose owner may not call its function, and a view that its owner fills by a grant': {
    sql: `do $$ begin if not exists (select from pg_roles where rolname = 'late') then create role late; end if; end $$; grant create on schema public to late;
      create function checker(text) returns boolean language plpgsql immutable as $$ begin return $1 <> ''; end $$;
      create table checked (a text); create table read_by (a int); insert into read_by values (1); grant select on read_by to late; alter table checked owner to late; insert into checked values ('q');
      create index on checked ((checker(a))); revoke execute on function checker from public;
      create materialized view filled as select a from read_by; alter materialized view filled owner to late`,
    says: [],
    same: 'select * from public.filled',
  },
  'an event trigger that refuses what a load does': {
    sql: `create table t (a int); insert into t values (1); create materialized view m as select a from t;
      create function refuse() returns event_trigger language plpgsql as $$ begin raise exception 'no DDL here'; end $$;
      create event trigger refuse_start on ddl_command_start execute function refuse(); comment on event trigger refuse_start is 'kept'`,
    says: [],
    same: 'select * from public.m',
  },
  'nothing special': { sql: 'create table t (a int primary key); insert into t values (1)', says: [] },
}

for (const mode of ['swap', 'scratch'] as const)
  for (const [name, one] of Object.entries(cases)) {
    test(`${mode}: ${name}`, async () => {
      await postgres.createDatabase('second_pass')
      await postgres.sql('second_pass', `set search_path = public; ${one.sql}`)
      const settings = postgres.settings('second_pass')
      const stored = await captureStored(settings, context)
      const open = (accept: readonly AcceptId[]) =>
        openPostgresTarget(settings, { mode, restoreId: RESTORE_ID, scratchFolder, accept }, context)
      if (one.accept !== undefined)
        await assert.rejects(
          (await open([])).load(stored.details, stored.source, context),
          (error: Error & { hint?: string }) =>
            one.accept?.every((id) => error.hint?.includes(`--accept ${id}`)) === true,
        )
      const target = await open(one.accept ?? [])
      try {
        await target.load(stored.details, stored.source, context)
        assert.deepEqual(await target.compare(stored.details, context), [])
        const remarks = target.remarks?.() ?? []
        assert.equal(remarks.length, one.says.length, remarks.join('\n'))
        for (const [index, pattern] of one.says.entries()) assert.match(remarks[index] ?? '', pattern)
        if (one.same !== undefined && mode === 'swap') {
          const side = await postgres.sql('second_pass__r_1a2b3c4d', one.same)
          assert.deepEqual(side, await postgres.sql('second_pass', one.same))
        }
      } finally {
        await target.discard(context)
      }
    })
  }

test('in place: one transaction says how to go on in steps, and changes nothing; steps take the other ways', async () => {
  const name = 'in_place_pass'
  const kinds = ['a domain whose check calls a function without its schema', 'a trigger from before a generated column']
  const statements = kinds.map((kind) => cases[kind]?.sql).join(';')
  await postgres.createDatabase(name)
  await postgres.sql(name, `set search_path = public; ${statements}; create table live (a int)`)
  const settings = postgres.settings(name)
  const stored = await captureStored(settings, context)
  await postgres.sql(name, 'insert into public.live values (1)')
  const open = (accept: readonly AcceptId[]) =>
    openPostgresTarget(settings, { mode: 'in-place', restoreId: RESTORE_ID, accept }, context)
  const refused = await open([])
  await refused.fence(context)
  await assert.rejects(
    refused.load(stored.details, stored.source, context),
    (error: Error & { hint?: string }) => error.hint?.includes('--accept in-steps') === true,
  )
  assert.equal(await refused.isAsBefore?.(context), true)
  const target = await open(['in-steps', 'without-triggers'])
  await target.load(stored.details, stored.source, context)
  assert.deepEqual(await target.compare(stored.details, context, stored.source), [])
  assert.match(
    target.remarks?.().join('; ') ?? '',
    /TABLE DATA public item was made under.*TRIGGER public space bump was LEFT OUT/,
  )
  await target.reopen(context)
  assert.deepEqual(await postgres.sql(name, 'select count(*)::int as n from public.live'), [{ n: 0 }])
})

test('rows of a large table that no way loads name the way on, and are left out with it', async () => {
  const name = 'large_pass'
  await postgres.createDatabase(name)
  await postgres.sql(
    name,
    `create function public.fails(a int) returns boolean language plpgsql as $$ begin
      if current_database() like '%\\_\\_r\\_%' then raise exception 'planted'; end if; return true; end $$;
    create table public.large (a int, body text, constraint planted check (public.fails(a)));
    insert into public.large select n, repeat(md5(n::text), 20) from generate_series(1, 30000) n; create table public.small (a int); insert into public.small values (1)`,
  )
  const settings = postgres.settings(name)
  const stored = await captureStored(settings, context)
  assert.ok(stored.details.lanes.length > 0)
  const open = (accept: readonly AcceptId[]) =>
    openPostgresTarget(settings, { mode: 'swap', restoreId: RESTORE_ID, accept }, context)
  await assert.rejects(
    (await open([])).load(stored.details, stored.source, context),
    (error: Error & { hint?: string }) => error.hint?.includes('--accept without-rows') === true,
  )
  const target = await open(['without-rows'])
  await target.load(stored.details, stored.source, context)
  assert.deepEqual(await target.compare(stored.details, context, stored.source), [])
  assert.match(target.remarks?.().join() ?? '', /TABLE DATA public large was LEFT OUT/)
  await target.discard(context)
})
