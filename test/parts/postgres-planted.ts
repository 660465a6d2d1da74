import { PLANTED_TABLES, type Planted } from './postgres-planted-tables.ts'

/** Each is on an object of its own, so that all can be planted at once. CHECKs with IN are worded anew by a load besides. */
const PLANTED: readonly Planted[] = [
  ...PLANTED_TABLES,
  {
    kind: 'body of a function',
    make: `create function a_function() returns int language sql as 'select 1'`,
    plant: `create or replace function a_function() returns int language sql as 'select 2'`,
    subject: 'definition of FUNCTION planted a_function()',
  },
  {
    kind: 'volatility of a function',
    make: `create function v_function() returns int language sql immutable as 'select 1'`,
    plant: `alter function v_function() volatile`,
    subject: 'definition of FUNCTION planted v_function()',
  },
  {
    kind: 'rights of a function',
    make: `create function s_function() returns int language sql security definer as 'select 1'`,
    plant: `alter function s_function() security invoker`,
    subject: 'definition of FUNCTION planted s_function()',
  },
  {
    kind: 'setting of a function',
    make: `create function c_function() returns int language sql set work_mem = '1MB' as 'select 1'`,
    plant: `alter function c_function() reset all`,
    subject: 'definition of FUNCTION planted c_function()',
  },
  {
    kind: 'SQL body of a function',
    make: `create function b_function(s varchar) returns boolean language sql begin atomic select s in ('a', 'b'); end`,
    plant: `create or replace function b_function(s varchar) returns boolean language sql begin atomic select s in ('a', 'c'); end`,
    subject: 'definition of FUNCTION planted b_function(character varying)',
  },
  {
    kind: 'procedure',
    make: `create procedure a_procedure() language sql as 'select 1'`,
    plant: `create or replace procedure a_procedure() language sql as 'select 2'`,
    subject: 'definition of PROCEDURE planted a_procedure()',
  },
  {
    kind: 'aggregate',
    make: `create aggregate an_aggregate(int) (sfunc = int4pl, stype = int, initcond = '0')`,
    plant: `create or replace aggregate an_aggregate(int) (sfunc = int4pl, stype = int, initcond = '1')`,
    subject: 'definition of AGGREGATE planted an_aggregate(integer)',
  },
  {
    kind: 'WHEN of a trigger',
    make: `create function act() returns trigger language plpgsql as 'begin return new; end'; create table a_triggered (n int, s varchar);
      create trigger w before update on a_triggered for each row when (new.s in ('a', 'b')) execute function act()`,
    plant: `create or replace trigger w before update on a_triggered for each row when (new.s in ('a', 'c')) execute function act()`,
    subject: 'definition of TRIGGER planted a_triggered w',
  },
  {
    kind: 'state of a trigger',
    make: `create table e_triggered (n int); create trigger e before update on e_triggered for each row execute function act()`,
    plant: `alter table e_triggered disable trigger e`,
    subject: 'definition of TRIGGER planted e_triggered e',
  },
  {
    kind: 'rule',
    make: `create table a_ruled (n int); create rule r as on insert to a_ruled do instead nothing`,
    plant: `create or replace rule r as on insert to a_ruled do also nothing`,
    subject: 'definition of RULE planted a_ruled r',
  },
  {
    kind: 'policy',
    make: `create table a_secret (n int, s varchar); create policy p on a_secret using (s in ('a', 'b'))`,
    plant: `alter policy p on a_secret using (s in ('a', 'b', 'c'))`,
    subject: 'definition of POLICY planted a_secret p',
  },
  {
    kind: 'row level security',
    make: `create table a_guarded (n int); alter table a_guarded enable row level security`,
    plant: `alter table a_guarded disable row level security`,
    subject: 'ROW SECURITY planted a_guarded',
  },
  {
    kind: 'forced row level security',
    make: `create table a_forced (n int); alter table a_forced force row level security`,
    plant: `alter table a_forced no force row level security`,
    subject: 'definition of TABLE planted a_forced',
  },
  {
    kind: 'grant',
    make: `create table a_granted (n int); grant select on a_granted to pg_monitor`,
    plant: `revoke select on a_granted from pg_monitor`,
    subject: 'ACL planted TABLE "a_granted"',
  },
  {
    kind: 'grant option',
    make: `create table o_granted (n int); grant select on o_granted to pg_monitor with grant option`,
    plant: `revoke grant option for select on o_granted from pg_monitor`,
    subject: 'definition of ACL planted TABLE "o_granted"',
  },
  {
    kind: 'grant on a column',
    make: `create table c_granted (n int); grant select (n) on c_granted to pg_monitor`,
    plant: `revoke select (n) on c_granted from pg_monitor`,
    subject: 'ACL planted COLUMN "c_granted"."n"',
  },
  {
    kind: 'default privileges',
    make: `alter default privileges in schema planted grant usage on sequences to pg_monitor`,
    plant: `alter default privileges in schema planted revoke usage on sequences from pg_monitor`,
    subject: 'DEFAULT ACL planted DEFAULT PRIVILEGES FOR SEQUENCES',
  },
  {
    kind: 'comment',
    make: `create table a_comment (n int); comment on column a_comment.n is 'one'`,
    plant: `comment on column a_comment.n is 'two'`,
    subject: 'definition of COMMENT planted COLUMN "a_comment"."n"',
  },
  {
    kind: 'parameters of a sequence',
    make: `create sequence a_sequence increment 2 cycle`,
    plant: `alter sequence a_sequence no cycle`,
    subject: 'definition of SEQUENCE planted a_sequence',
  },
  {
    kind: 'owner of a sequence',
    make: `create table q_owner (n int); create sequence q_owned owned by q_owner.n`,
    plant: `alter sequence q_owned owned by none`,
    subject: 'SEQUENCE OWNED BY planted q_owned',
  },
  {
    kind: 'order of labels',
    make: `create type an_enum as enum ('a', 'b')`,
    plant: `drop type an_enum; create type an_enum as enum ('b', 'a')`,
    subject: 'definition of TYPE planted an_enum',
  },
  {
    kind: 'composite type',
    make: `create type a_pair as (a int, b int)`,
    plant: `alter type a_pair alter attribute b type bigint`,
    subject: 'definition of TYPE planted a_pair',
  },
  {
    kind: 'range type',
    make: `create type a_span as range (subtype = float8, subtype_diff = float8mi)`,
    plant: `drop type a_span; create type a_span as range (subtype = float8)`,
    subject: 'definition of TYPE planted a_span',
  },
  {
    kind: 'domain',
    make: `create domain a_domain as varchar default 'a' constraint c check (value in ('a', 'b'))`,
    plant: `alter domain a_domain drop constraint c; alter domain a_domain add constraint c check (value in ('a', 'c'))`,
    subject: 'definition of DOMAIN planted a_domain',
  },
  {
    kind: 'collation',
    make: `create collation a_collation (provider = libc, locale = 'C')`,
    plant: `drop collation a_collation; create collation a_collation (provider = libc, locale = 'POSIX')`,
    subject: 'definition of COLLATION planted a_collation',
  },
  {
    kind: 'operator',
    make: `create operator ### (leftarg = int, rightarg = int, function = int4pl)`,
    plant: `drop operator ### (int, int); create operator ### (leftarg = int, rightarg = int, function = int4mi)`,
    subject: 'definition of OPERATOR planted ###',
  },
  {
    kind: 'operator class',
    make: `create operator class a_class for type int using btree as operator 1 <, operator 3 =, operator 5 >, function 1 btint4cmp(int, int)`,
    plant: `drop operator class a_class using btree; create operator class a_class for type int using btree as operator 1 <, operator 3 =, function 1 btint4cmp(int, int)`,
    subject: 'definition of OPERATOR CLASS planted a_class',
  },
  {
    kind: 'cast',
    make: `create type cast_from as (a int); create cast (cast_from as text) with inout as assignment`,
    plant: `drop cast (cast_from as text); create cast (cast_from as text) with inout as implicit`,
    subject: 'definition of CAST CAST ("planted"."cast_from" AS "text")',
  },
  {
    kind: 'text search configuration',
    make: `create text search configuration a_search (copy = simple)`,
    plant: `alter text search configuration a_search alter mapping for asciiword with english_stem`,
    subject: 'definition of TEXT SEARCH CONFIGURATION planted a_search',
  },
  {
    kind: 'text search dictionary',
    make: `create text search dictionary words (template = simple, stopwords = english)`,
    plant: `alter text search dictionary words (stopwords)`,
    subject: 'definition of TEXT SEARCH DICTIONARY planted words',
  },
  {
    kind: 'publication',
    make: `create publication a_publication with (publish = 'insert')`,
    plant: `alter publication a_publication set (publish = 'insert, delete')`,
    subject: 'definition of PUBLICATION a_publication',
  },
  {
    kind: 'table of a publication',
    make: `create table a_published (n int); create publication t_publication for table a_published`,
    plant: `alter publication t_publication drop table a_published`,
    subject: 'PUBLICATION TABLE planted t_publication a_published',
  },
  {
    kind: 'rows of a publication',
    since: 15,
    make: `create table r_published (id int, n int); create publication r_publication for table r_published where (id between 1 and 5 and n > 0)`,
    plant: `alter publication r_publication set table r_published where (id between 1 and 6 and n > 0)`,
    subject: 'definition of PUBLICATION TABLE planted r_publication r_published',
  },
  {
    kind: 'statistics',
    make: `create table a_counted (a int, b int); create statistics counts (ndistinct) on a, b from a_counted`,
    plant: `drop statistics counts; create statistics counts (dependencies) on a, b from a_counted`,
    subject: 'definition of STATISTICS planted counts',
  },
  {
    kind: 'target of statistics',
    make: `create table t_counted (a int); alter table t_counted alter a set statistics 500`,
    plant: `alter table t_counted alter a set statistics 400`,
    subject: 'definition of TABLE planted t_counted',
  },
  {
    kind: 'event trigger',
    make: `create function noticed() returns event_trigger language plpgsql as 'begin end';
      create event trigger an_event on ddl_command_end execute function noticed(); alter event trigger an_event disable`,
    plant: `alter event trigger an_event enable`,
    subject: 'definition of EVENT TRIGGER an_event',
  },
  {
    kind: 'owner of a schema',
    make: `create schema owned authorization pg_monitor`,
    plant: `alter schema owned owner to pg_read_all_data`,
    subject: 'definition of SCHEMA owned',
  },
  {
    kind: 'owner of a table',
    make: `create table an_owner (n int); alter table an_owner owner to pg_monitor`,
    plant: `alter table an_owner owner to pg_read_all_data`,
    subject: 'definition of TABLE planted an_owner',
  },
  {
    kind: 'schema of an extension',
    extension: 'citext',
    make: `create extension citext schema planted`,
    plant: `alter extension citext set schema public`,
    subject: 'definition of EXTENSION citext',
  },
  {
    kind: 'foreign server',
    make: `create foreign data wrapper nothing; create server a_server foreign data wrapper nothing options (host 'x')`,
    plant: `alter server a_server options (set host 'y')`,
    subject: 'definition of SERVER a_server',
  },
  {
    kind: 'user mapping',
    make: `create user mapping for pg_monitor server a_server options (name 'x')`,
    plant: `alter user mapping for pg_monitor server a_server options (set name 'y')`,
    subject: 'definition of USER MAPPING USER MAPPING pg_monitor SERVER a_server',
  },
  {
    kind: 'foreign table',
    make: `create foreign table far (n int) server a_server options (name 'x')`,
    plant: `alter foreign table far options (set name 'y')`,
    subject: 'definition of FOREIGN TABLE planted far',
  },
  {
    kind: 'storage of a column',
    make: `create table a_storage (s text); alter table a_storage alter s set storage external`,
    plant: `alter table a_storage alter s set storage extended`,
    subject: 'definition of TABLE planted a_storage',
  },
  {
    kind: 'compression of a column',
    make: `create table a_compression (s text compression pglz)`,
    plant: `alter table a_compression alter s set compression default`,
    subject: 'definition of TABLE planted a_compression',
  },
  {
    kind: 'option of a table',
    make: `create table a_filled (s text) with (fillfactor = 70)`,
    plant: `alter table a_filled reset (fillfactor)`,
    subject: 'definition of TABLE planted a_filled',
  },
  {
    kind: 'replica identity',
    make: `create table an_identity (n int); alter table an_identity replica identity full`,
    plant: `alter table an_identity replica identity default`,
    subject: 'definition of TABLE planted an_identity',
  },
  {
    kind: 'mark of CLUSTER',
    make: `create table a_cluster (n int); create index a_cluster_n on a_cluster (n); alter table a_cluster cluster on a_cluster_n`,
    plant: `alter table a_cluster set without cluster`,
    subject: 'definition of INDEX planted a_cluster_n',
  },
  {
    kind: 'unlogged',
    make: `create unlogged table an_unlogged (n int)`,
    plant: `alter table an_unlogged set logged`,
    subject: 'definition of TABLE planted an_unlogged',
  },
  {
    kind: 'bounds of a partition',
    make: `create table parted (n int) partition by range (n); create table part partition of parted for values from (0) to (5)`,
    plant: `alter table parted detach partition part; alter table parted attach partition part for values from (0) to (6)`,
    subject: 'definition of TABLE ATTACH planted part',
  },
  {
    kind: 'column order',
    make: `create table in_order (a int, b int)`,
    plant: `alter table in_order drop a; alter table in_order add a int`,
    subject: 'definition of TABLE planted in_order',
  },
]

/** What of it a major knows, as it is captured, where the server has `extensions`. */
export function plantedIn(
  major: number,
  extensions: readonly string[],
): { readonly make: string; readonly all: readonly Planted[] } {
  const all = PLANTED.filter(
    ({ since = 0, extension }) => since <= major && (extension === undefined || extensions.includes(extension)),
  )
  const path = 'create schema planted; set search_path = planted, pg_catalog'
  return { make: [path, ...all.map(({ make }) => make)].join(';\n'), all }
}
