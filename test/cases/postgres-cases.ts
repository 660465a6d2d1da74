import type { PostgresCases } from './postgres-case.ts'

/** Found in public bug reports and in odd databases; each stands for a kind. */
export const postgresCases: PostgresCases = {
  'array-null-bitmap': {
    sql: `create table f (a int[]); insert into f values ('{1,NULL,3}'); update f set a[2] = 5;`,
  },
  'ascii-names': {
    sql: `do $$ begin
        execute format('create table %I (id int primary key, %I text)', 'caf' || chr(233), 'pr' || chr(233) || 'nom');
        execute format('insert into %I values (1, %L)', 'caf' || chr(233), 'Zo' || chr(235)); end $$;
      create table t (id int primary key, v text); insert into t values (1, 'Zo' || chr(235));`,
    options: `template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'`,
    check: [/SQL_ASCII/],
  },
  'cast-runs-as-backup-role': {
    sql: `grant create on schema public to portal; set role portal;
      create table public.seen (who text);
      create type public.colour as enum ('red', 'green');
      create function public.label(public.colour) returns text language plpgsql volatile as $$ begin
        if (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
          execute 'copy (select 1) to program ''touch /tmp/ran-as-superuser''';
        end if;
        return 'x'; end $$;
      create cast (public.colour as text) with function public.label(public.colour);
      create table public.car (id int primary key, c public.colour); insert into public.car values (1, 'red'), (2, 'green');`,
  },
  'check-function-order': {
    sql: `create table allowed (code text primary key); insert into allowed values ('x');
      create view codes as select code from allowed;
      create function inner_ok(c text) returns boolean language sql stable as $$ select exists (select from public.codes where code = c) $$;
      create function outer_ok(c text) returns boolean language plpgsql stable as $$ begin return public.inner_ok(c); end $$;
      create table a_uses (id int primary key, c text check (outer_ok(c))); insert into a_uses values (1, 'x');`,
    check: [/constraints that read other tables/],
  },
  'citext-views-change': {
    sql: `create extension citext;
      create table a (id int primary key, c citext); create table b (c citext);
      insert into a values (1, 'a'), (2, 'B'); insert into b values ('A');
      create view v1 as select a.id from a join b using (c);
      create view v4 as select id, case c when 'A'::citext then 1 else 2 end as n from a;`,
  },
  'definition-wording': {
    sql: `create table ticket (id int primary key, state varchar(20) not null, score int,
        constraint ticket_state check (state in ('new', 'open', 'closed')),
        constraint ticket_score check (score between 1 and 5 and id > 0));
      create index ticket_waiting on ticket (id) where state in ('new', 'open');
      insert into ticket values (1, 'new', 3);`,
    lines: /ticket_(?:state|score|waiting)/,
  },
  'fdw-matview': {
    sql: `create extension postgres_fdw;
      create server away foreign data wrapper postgres_fdw options (host '$SOCKET', port '$PORT', dbname 'postgres');
      create user mapping for public server away options (user 'postgres', password '$PASSWORD');
      create foreign table rates (datname name) server away options (schema_name 'pg_catalog', table_name 'pg_database');
      create materialized view cached as select datname from rates;
      create table t (a int primary key); insert into t values (1);
      alter server away options (set port '1');`,
    check: [/public\.cached/],
    differs: ['public.cached'],
    // It comes back unfilled.
    lines: /^REFRESH/,
  },
  'float-nan-sign': {
    sql: `create table f (x float8); insert into f values ('Infinity'::float8 - 'Infinity'::float8);`,
  },
  'foreign-partition': {
    sql: `create extension postgres_fdw;
      create server s foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1', dbname 'x');
      create user mapping for public server s options (user 'x');
      create table p (k int, v text) partition by range (k);
      create table p1 partition of p for values from (0) to (10);
      create foreign table p2 partition of p for values from (10) to (20) server s;
      insert into p values (1, 'a');`,
  },
  'hash-enum-small': {
    sql: `create type mood as enum ('a','b','c','d','e','f','g','h','i','j');
      create table t (id int, m mood not null) partition by hash (m);
      create table t0 partition of t for values with (modulus 3, remainder 0);
      create table t1 partition of t for values with (modulus 3, remainder 1);
      create table t2 partition of t for values with (modulus 3, remainder 2);
      insert into t select n, (enum_range(null::mood))[1 + n % 10] from generate_series(1, 100) n;`,
  },
  'in-place-attached-constraint': {
    sql: `create table parent (id int primary key) partition by range (id); create table partx partition of parent default; insert into parent values (1);`,
    target: 'in-place',
  },
  'in-place-default-privileges': {
    sql: `do $$ begin if not exists (select from pg_roles where rolname='viewer') then create role viewer; end if; end $$;
      create table secret (a int primary key); insert into secret values (1);
      alter default privileges in schema public grant select on tables to viewer;
      create table later (a int primary key);`,
    target: 'in-place',
  },
  'no-plpgsql': {
    sql: `create table t (a int primary key); insert into t values (1);
      drop extension plpgsql;`,
  },
  'no-public-schema': {
    sql: `create schema app authorization portal;
      create table app.t (a int primary key); insert into app.t values (1);
      drop schema public;`,
  },
  'path-domain': {
    sql: `create function looks_ok(text) returns boolean language plpgsql immutable as $$ begin return helper($1); end $$;
      create function helper(text) returns boolean language sql immutable as $$ select length($1) > 1 $$;
      create domain code as text check (looks_ok(value));
      create table item (id int primary key, c code); insert into item values (1, 'ab');`,
    check: [/public\.code.*helper/s],
  },
  'path-generated': {
    sql: `create extension unaccent;
      create function slug(value text) returns text language plpgsql immutable strict as $$ begin return lower(unaccent(value)); end $$;
      create table page (id int primary key, title text, slug text generated always as (slug(title)) stored);
      insert into page (id, title) values (1, 'Zoë');`,
    check: [/slug.*unaccent/s],
  },
  'path-index': {
    sql: `create extension unaccent;
      create function fold(text) returns text language sql immutable strict as $$ select unaccent('unaccent', $1) $$;
      create table person (id int primary key, name text); insert into person values (1, 'Zoë');
      create index person_fold on person (fold(name));`,
    check: [/person_fold.*unaccent/s],
  },
  'path-matview': {
    sql: `create table doc (id int primary key, body text); insert into doc values (1, 'one two');
      create function words(text) returns setof text language sql stable as $$ select regexp_split_to_table(body, ' ') from doc $$;
      create materialized view vocabulary as select words('x') as word;`,
    check: [/vocabulary/],
  },
  'public-recreated': {
    sql: `drop schema public cascade; create schema public; create table t (a int primary key); insert into t values (1);`,
  },
  'rights-aggregate': {
    sql: `grant create on schema public to portal; set role portal; create aggregate total (int) (sfunc = int4pl, stype = int, initcond = '0');
      create type span as range (subtype = int);`,
    options: 'template template0 owner portal',
    leastRights: true,
  },
  'setting-read-only': {
    sql: `create table t (a int primary key); insert into t values (1);
      alter database "setting-read-only" set default_transaction_read_only = on;`,
    target: 'in-place',
  },
  'setting-timezone': {
    sql: [
      `alter database "setting-timezone" set timezone = 'Pacific/Auckland';`,
      `create table shift (day date, start timestamptz, check (start::date = day));
      insert into shift values ('2026-03-02', '2026-03-02 08:00');`,
    ],
  },
  'text-cast': {
    sql: `create type colour as enum ('red', 'green');
      create function label(colour) returns text language plpgsql stable as $$ begin return (select name from names where code = $1); end $$;
      create table names (code colour primary key, name text); insert into names values ('red', 'Rouge'), ('green', 'Vert');
      create cast (colour as text) with function label(colour);
      create table car (id int primary key, c colour); insert into car values (1, 'red'), (2, 'green');`,
  },
  'trigger-later-generated': {
    sql: `create table space (id int primary key, path text[], version int default 0);
      insert into space values (1, array['a','b']);
      create function bump() returns trigger language plpgsql as $$ begin new.version := old.version + 1; return new; end $$;
      create trigger bump before update on space for each row when (old is distinct from new) execute function bump();
      alter table space add column depth int generated always as (cardinality(path)) stored;`,
    check: [/space bump/],
    accept: ['without-triggers'],
    lines: /^CREATE TRIGGER "bump"/,
  },
  'trigger-when-ltree': {
    sql: `create extension ltree;
      create table region (id int primary key, path ltree); insert into region values (1, 'a.b');
      create function cascade_path() returns trigger language plpgsql as $$ begin return null; end $$;
      create trigger cascade_path after update on region for each row when (old.path is distinct from new.path) execute function cascade_path();`,
    check: [/cascade_path/],
  },
  'xml-declaration': {
    sql: `create table f (x xml); insert into f values ('<?xml version="1.0"?><a>é</a>');`,
  },
}
