/**
 * What a database does with each extension of PostgreSQL's contrib: SQL for after CREATE EXTENSION. Those that only have
 * functions to look into a server get a plain table. `$schema` is where all of it goes; the extension is in `public`.
 */
export const uses: Readonly<Record<string, string>> = {
  amcheck: `create function all_well() returns void language sql as $$ select public.bt_index_check('pg_class_oid_index') $$`,
  autoinc: `create sequence next_n; create table t (n int, name text);
    create trigger fill before insert or update on t for each row execute function autoinc(n, next_n);
    insert into t (name) select 'é ' || n from generate_series(1, 20) n`,
  bloom: `create table t as select n as a, n % 7 as b from generate_series(1, 200) n; create index on t using bloom (a, b) with (length = 80, col1 = 2)`,
  btree_gin: `create table t as select n, 'é ' || n as name, n::numeric as much from generate_series(1, 200) n; create index on t using gin (n, name, much)`,
  btree_gist: `create table t (room int, during tsrange, exclude using gist (room with =, during with &&));
    insert into t select n, tsrange('2020-01-01', '2020-01-02') from generate_series(1, 50) n`,
  citext: `create table t (id int primary key, name citext unique default 'É' check (name <> 'forbidden'));
    insert into t select n, 'Name ' || n from generate_series(1, 50) n; create table other (name citext primary key references t (name)); insert into other values ('NAME 7');
    create view both_using as select id, name from t join other using (name); create view is_seven as select id, nullif(name, 'NAME 7') is null as seven, case name when 'NAME 7' then 1 end as one from t;
    create index on t (lower(name)); create materialized view filled as select count(*) from t where name = 'NAME 7'`,
  cube: `create table t as select cube(n, n + 1) as c from generate_series(1, 50) n; create index on t using gist (c); alter table t add check (c <@ cube(array[-100], array[100]) or c is not null)`,
  dblink: `create server elsewhere foreign data wrapper dblink_fdw options (host '127.0.0.1', port '1', dbname 'nowhere'); create view far as select * from dblink('elsewhere', 'select 1') as far (n int)`,
  dict_int: `create text search dictionary short_numbers (template = intdict_template, maxlen = 4, rejectlong = false);
    create text search configuration numbers (copy = simple); alter text search configuration numbers alter mapping for int, uint with short_numbers;
    create table t (words text, found tsvector generated always as (to_tsvector('$schema.numbers', words)) stored); insert into t values ('12345678 é')`,
  dict_xsyn: `create text search dictionary synonyms (template = xsyn_template, rules = 'xsyn_sample', keeporig = true)`,
  earthdistance: `create table t as select n as lat, n as lon from generate_series(1, 50) n; create index on t using gist (ll_to_earth(lat, lon)); create view near as select * from t where earth_box(ll_to_earth(1, 1), 1000) @> ll_to_earth(lat, lon)`,
  file_fdw: `create server files foreign data wrapper file_fdw; create foreign table t (line text) server files options (filename '/dev/null')`,
  fuzzystrmatch: `create table t as select 'name ' || n as name from generate_series(1, 50) n; create index on t (soundex(name)); create index on t (dmetaphone(name))`,
  hstore: `create table t (id int, tags hstore not null default 'a=>1', has boolean generated always as (tags ? 'a') stored); insert into t select n, hstore('é', n::text) from generate_series(1, 50) n;
    create index on t using gin (tags); create index on t ((tags -> 'é')); alter table t add check (tags <> ''::hstore)`,
  insert_username: `create table t (id int, by text); create trigger note before insert or update on t for each row execute function insert_username(by); insert into t values (1)`,
  intagg: `create table t as select int_array_aggregate(n) as all_of from generate_series(1, 20) n; create view gathered as select int_array_aggregate(i) from (select unnest(all_of) as i from t) s`,
  intarray: `create table t as select array[n, n + 1] as numbers from generate_series(1, 50) n; create index on t using gist (numbers gist__int_ops); create index on t using gin (numbers gin__int_ops); create view with_seven as select * from t where numbers @@ '7|8'`,
  isn: `create table t (book isbn13 primary key, article ean13, serial issn); insert into t values ('978-0-393-04002-9', '9780393040029', '0317-8471'); alter table t add check (isn_weak() is not null)`,
  lo: `create table t (id int primary key, raster lo); create trigger manage before update or delete on t for each row execute function lo_manage(raster);
    insert into t select n, lo_from_bytea(0, decode(repeat('ab', 3000), 'hex')) from generate_series(1, 5) n`,
  ltree: `create table t (path ltree primary key check (path ~ 'top.*')); insert into t select ('top.n' || n)::ltree from generate_series(1, 50) n; create index on t using gist (path);
    create view below as select path, nlevel(path) from t where path <@ 'top'; create table moved (path ltree, seen boolean generated always as (path <@ 'top') stored); insert into moved select path from t`,
  moddatetime: `create table t (id int, changed timestamp); create trigger stamp before update on t for each row execute function moddatetime(changed); insert into t values (1, '2020-01-01')`,
  pg_buffercache: `create view cached as select count(*) from pg_buffercache`,
  pg_freespacemap: `create view free as select * from pg_freespace('pg_class'::regclass)`,
  pg_stat_statements: `create view slow as select query from pg_stat_statements`,
  pg_trgm: `create table t as select 'name ' || n as name from generate_series(1, 50) n; create index on t using gin (name gin_trgm_ops); create index on t using gist (name gist_trgm_ops (siglen = 32)); create view alike as select * from t where name % 'name'`,
  pgcrypto: `create table t (id uuid default gen_random_uuid(), salt text default gen_salt('bf'), hash text generated always as (encode(digest('é', 'sha256'), 'hex')) stored); insert into t default values;
    create index on t (digest(salt, 'sha256'))`,
  postgres_fdw: `create server elsewhere foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1', dbname 'nowhere'); create foreign table far (n int) server elsewhere options (table_name 'n');
    create view farther as select count(*) from far`,
  refint: `create table parents (id int primary key); create table t (parent int); insert into parents values (1); insert into t values (1);
    create trigger guard before insert or update on t for each row execute function check_primary_key('parent', 'parents', 'id')`,
  seg: `create table t as select (n || ' .. ' || n + 1)::seg as s from generate_series(1, 50) n; create index on t using gist (s)`,
  sslinfo: `create table t (id int, safe boolean default ssl_is_used()); insert into t values (1)`,
  tablefunc: `create table t as select n as row, n % 3 as category, n as value from generate_series(1, 9) n; create view across as select * from crosstab('select row, category, value from t order by 1, 2') as c (row int, a int, b int)`,
  tcn: `create table t (id int primary key); create trigger tell after insert or update or delete on t for each row execute function triggered_change_notification(); insert into t values (1)`,
  tsm_system_rows: `create table t as select n from generate_series(1, 50) n; create view sampled as select * from t tablesample system_rows(5)`,
  tsm_system_time: `create table t as select n from generate_series(1, 50) n; create view sampled as select * from t tablesample system_time(5)`,
  unaccent: `create text search configuration plain (copy = simple); alter text search configuration plain alter mapping for hword, hword_part, word with unaccent, simple;
    create function plain_text(text) returns text language sql immutable as $$ select public.unaccent('public.unaccent', $1) $$;
    create table t (name text, plain text generated always as (plain_text(name)) stored); insert into t values ('Hôtel'); create index on t (plain_text(name)); create index on t using gin (to_tsvector('$schema.plain', name))`,
  'uuid-ossp': `create table t (id uuid primary key default uuid_generate_v4(), named uuid generated always as (uuid_generate_v5(uuid_ns_url(), 'é')) stored); insert into t default values`,
  xml2: `create table t as select '<a><b>é</b></a>'::text as x; create view inner_text as select xpath_string(x, '/a/b') from t`,
}

export const plain = `create table rows (id int primary key, name text); insert into rows select n, 'é ' || n from generate_series(1, 20) n`
