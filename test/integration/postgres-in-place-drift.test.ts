import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AcceptId } from '../../src/core/accept-ids.ts'
import { captureInto, openTarget } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

/** A restore over live data whose tables hang together, or hang together otherwise than at the capture. */
const postgres = await startPostgres()
const context = testContext()

/** Restores in place what `made` makes, after `changed` happened to it; fails unless it is equal then. */
async function restored(name: string, made: string, changed = '', accept: readonly AcceptId[] = []): Promise<void> {
  await postgres.createDatabase(name)
  await postgres.sql(name, `set search_path = public; ${made}`)
  const settings = postgres.settings(name)
  const { details, source } = await captureInto(settings, context)
  if (changed !== '') await postgres.sql(name, `set search_path = public; ${changed}`)
  const target = await openTarget(settings, 'in-place', { accept })
  await target.fence(context)
  await target.load(details, source, context)
  assert.deepEqual(await target.compare(details, context), [])
  await target.reopen(context)
}

const PARTITIONED = `create table parent (id int primary key) partition by range (id);
  create table partx partition of parent default; insert into parent values (1);`

test('constraints of partitions go with those of their parents', async () => {
  await restored('in-place-attached-constraint', PARTITIONED)
})

test('so it is on several levels, with keys, indexes, checks and children', async () => {
  await restored(
    'attached_deep',
    `create table tree (id int, k text not null, g int, up int, primary key (id, g), unique (g, id, k)) partition by range (id);
    create table mid partition of tree for values from (0) to (100) partition by list (g);
    create table "Leaf ä" partition of mid for values in (1, 2); create table rest partition of tree default;
    create index on tree (k); create index only_here on rest (up);
    alter table tree add foreign key (up, g) references tree (id, g);
    alter table tree add constraint named check (k <> '') not valid; alter table mid add constraint middle check (g > 0);
    create function fits(tree) returns boolean language sql immutable as 'select $1.id >= 0'; 
    create table other (id int, g int, foreign key (id, g) references tree);
    create view v as select id, g, k from tree group by id, g, k;
    create table inh (a int not null, constraint positive check (a > 0)); create table child (b int) inherits (inh);
    alter table inh add constraint small check (a < 1000) not valid;
    create table ident (id int generated always as identity primary key, s serial); insert into ident default values;
    create table ranges (r int4range, exclude using gist (r with &&));
    insert into tree values (1, 'x', 1, null), (200, 'y', 5, null), (2, 'z', 1, 1); insert into other values (1, 1);`,
  )
})

test('what was attached since the capture is no obstacle', async () => {
  await restored(
    'attached_since',
    `create table top (id int, v int check (v > 0)) partition by range (id); create table part (id int primary key, v int, constraint top_v_check check (v > 0), unique (id, v));
    create index part_v on part (v); create table seen (id int references part); insert into part values (1, 1);
    create table base (a int, constraint c check (a > 0)); create table apart (a int, constraint c check (a > 0));`,
    `alter table top add primary key (id); create index on top (v); alter table top attach partition part for values from (0) to (10);
    alter table apart inherit base;`,
  )
})

test('foreign keys, identities and columns that changed since the capture are no obstacle', async () => {
  await restored(
    'changed_since',
    `create table customers (id int primary key); create table orders (id int primary key, customer int, note text default 'none', total int default 1, place serial);
    insert into customers values (1); insert into orders (id, customer) values (1, 1);`,
    `alter table orders add foreign key (customer) references customers; alter table orders drop column note;
    alter table customers add column first int references orders; alter table orders drop column total;
    alter table orders alter place drop default; drop sequence orders_place_seq; alter table orders alter place add generated always as identity (sequence name orders_place_seq);`,
  )
})

/** What is made behind the rows and holds what is made before them: a pre-data section alone cannot be dropped. */
const HELD = `create table t (id int primary key, x text); insert into t values (1, 'a');
  create function label(t) returns text language sql immutable as 'select $1.x'; create index on t (label(t)); alter table t add check (label(t) <> 'q');
  create domain code as int; create function is_code(code) returns boolean language sql immutable as 'select $1::int > 0'; alter domain code add check (is_code(value));
  create table codes (c code); create policy seen on t using (label(t) <> ''); create statistics labels on (lower(x)), id from t;
  create view grouped as select id, x, count(*) as n from t group by id; create function of_view(grouped) returns text language sql immutable as 'select $1.x';
  create rule told as on update to t where of_view(row(1, 'x', 2)::grouped) = 'y' do instead nothing;
  create function fresh() returns trigger language plpgsql as 'begin return new; end'; create trigger fresh before update on t for each row when (label(new) = 'q') execute function fresh();
  create function deny() returns event_trigger language plpgsql as $$ begin raise exception 'not here'; end $$;
  create event trigger deny on sql_drop execute function deny();
  create event trigger denied on ddl_command_start when tag in ('CREATE TABLE', 'ALTER TABLE', 'CREATE FUNCTION') execute function deny();`

test('what holds something else is dropped before it, in one transaction and in steps', async () => {
  await restored('held', HELD)
  await restored('held_in_steps', HELD, '', ['in-steps'])
})

test('definitions that PostgreSQL cannot make again are left out in steps, once that is accepted', async () => {
  const recursive = `create table t (id int); insert into t values (1); create function again(int) returns int language sql begin atomic select 1; end;
    create or replace function again(int) returns int language sql begin atomic select case when $1 > 0 then again($1 - 1) else 0 end; end; create view shown as select again(id) from t;`
  await assert.rejects(restored('recursive', recursive, '', ['in-steps']), {
    kind: 'refused',
    message: /FUNCTION public again/,
    facts: { accept: 'without-objects', objects: 2 },
  })
  await restored('recursive', recursive, '', ['in-steps', 'without-objects'])
})

const CALLED = `create table t (id int); insert into t values (1); create function even(int) returns boolean language sql as 'select true';
  create function odd(n int, out "ä" boolean) language sql begin atomic select not even(n); end; create view shown as select odd(id) from t;
  create procedure log(a text default 'BEGIN ATOMIC') language sql begin atomic insert into t values (length(a)); end;`
const CALLING = `create or replace function even(int) returns boolean language sql begin atomic select case when $1 = 0 then true else odd($1 - 1) end; end;`

test('routines that call each other are dropped, and made again as far as PostgreSQL can', async () => {
  await restored('calling_since', CALLED, CALLING)
  await restored('calling', `${CALLED} ${CALLING}`, '', ['in-steps', 'without-objects'])
})
