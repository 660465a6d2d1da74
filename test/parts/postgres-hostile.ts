/** A place where code of a database's owner can stand, how it is laid there, and what a careless reader does to run it. */
export interface Trap {
  readonly place: string
  readonly sql: string
  /** Who of the server itself must lay it; the others are laid by the owner. */
  readonly bySuperuser?: true
  /** Undefined where a superuser cannot run it by reading. */
  readonly springs?: string
  readonly since?: number
}

/** Leaves a file by the name of the place in the folder if a superuser runs it; else nothing. */
export function noteFunctions(folder: string): string {
  return `create function public.note(place text) returns int language plpgsql set search_path = pg_catalog as $$ begin
      if (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
        execute pg_catalog.format('copy (select 1) to %L', '${folder}/' || place); end if; return 0; end $$;
    create function public.n(place text) returns int immutable language plpgsql as $$ begin return public.note(place); end $$;
    create function public.yes(place text) returns boolean immutable language plpgsql as $$ begin return public.note(place) operator(pg_catalog.=) 0; end $$;
    create type public.colour as enum ('red', 'green'); create type public.pair as (a int, c public.colour);
    create function public.said(c public.colour) returns text language plpgsql as $$ begin perform public.note('cast-to-text'); return 'x'; end $$;
    create function public.said(c public.pair) returns text language plpgsql as $$ begin perform public.note('cast-of-composite'); return 'x'; end $$;
    create function public.read(t text) returns public.colour language plpgsql immutable as $$ begin perform public.note('cast-from-text'); return 'red'; end $$;
    create function public.compare(public.colour, public.colour) returns int language plpgsql immutable as $$ begin return public.note('operator-class'); end $$;
    create function public.same(public.colour, public.colour) returns boolean language plpgsql immutable as $$ begin return public.note('operator') operator(pg_catalog.=) 0; end $$;
    create function public.hashed(public.colour, bigint) returns bigint language plpgsql immutable as $$ begin return public.note('hash'); end $$;
    create function public.fired() returns trigger language plpgsql as $$ begin perform public.note('trigger'); return new; end $$;
    create function public.apart(float8, float8) returns float8 language plpgsql immutable as $$ begin return public.note('subtype-diff'); end $$`
}

const COPIES = 'insert into public.target select 1'

export const TRAPS: readonly Trap[] = [
  table('index', "create index on public.index ((n + public.n('index')))"),
  table('predicate', "create index on public.predicate (n) where public.yes('predicate')"),
  table('statistics', "create statistics public.s on (n + public.n('statistics')), n from public.statistics"),
  table('exclusion', "alter table public.exclusion add exclude ((n + public.n('exclusion')) with =)"),
  {
    place: 'cast-to-text',
    sql: `create cast (public.colour as text) with function public.said(public.colour) as implicit;
      create table public.car (c public.colour, p public.pair, l public.colour[]); insert into public.car values ('red', (1, 'red'), '{red}')`,
    springs: 'select c::text from public.car',
  },
  {
    place: 'cast-of-composite',
    sql: 'create cast (public.pair as text) with function public.said(public.pair) as implicit',
    springs: 'select p::text from public.car',
  },
  {
    place: 'cast-from-text',
    sql: 'create cast (text as public.colour) with function public.read(text)',
    springs: "select 'red'::text::public.colour",
  },
  {
    place: 'domain',
    sql: `create domain public.small as int check (public.yes('domain') and value < 9); create type public.holder as (v public.small);
      create table public.domains (v public.small, h public.holder); insert into public.domains values (1, row(1)::public.holder)`,
    springs: 'select 1::public.small',
  },
  {
    place: 'generated',
    sql: `create table public.generated (a int, n int generated always as (a + public.n('generated')) stored); insert into public.generated values (1)`,
    springs: 'insert into public.generated values (2)',
  },
  table(
    'default',
    "alter table public.default alter n set default public.n('default')",
    'insert into public.default default values',
  ),
  table(
    'check',
    "alter table public.check add check (public.yes('check') and n < 99)",
    'select from public.check where n = 100',
  ),
  {
    place: 'policy',
    sql: `create table public.hidden (n int); insert into public.hidden values (1); alter table public.hidden enable row level security;
      alter table public.hidden force row level security; create policy p on public.hidden using (public.yes('policy'))`,
  },
  {
    place: 'view',
    sql: "create view public.seen as select public.note('view') as n",
    springs: 'select * from public.seen',
  },
  {
    place: 'materialized-view',
    sql: "create materialized view public.totals as select public.note('materialized-view') as n",
  },
  table(
    'trigger',
    'create trigger t before insert on public.trigger for each row execute function public.fired()',
    'insert into public.trigger values (1)',
  ),
  {
    place: 'rule',
    sql: "create table public.target (n int); create rule r as on insert to public.target do also select public.note('rule')",
    springs: COPIES,
  },
  {
    place: 'partition-key',
    sql: `create table public.parts (n int) partition by range ((n + public.n('partition-key'))); create table public.part partition of public.parts for values from (0) to (100);
      insert into public.parts values (1); create table public.referred (n int primary key); create table public.refers (n int references public.referred);`,
    springs: 'select * from public.parts where n = 1',
  },
  {
    place: 'catalog',
    sql: "create view public.pg_class as select public.note('catalog') as oid, 'x'::name as relname; create view public.pg_settings as select public.note('catalog')",
    springs: 'select * from public.pg_class',
  },
  {
    place: 'shadows',
    sql: `create function public.current_setting(text) returns text language sql as $$ select public.note('shadows')::text $$;
      create function public.quote_ident(text) returns text language sql as $$ select public.note('shadows')::text $$;
      create function public.pg_relation_size(oid) returns bigint language sql as $$ select public.note('shadows')::bigint $$;
      create function public.format(text, anyelement) returns text language sql as $$ select public.note('shadows')::text $$;
      create function public.length(bytea) returns int language sql as $$ select public.note('shadows') $$`,
    springs: "select current_setting('x')",
  },
  {
    place: 'operator',
    sql: `create operator public.= (leftarg = public.colour, rightarg = public.colour, function = public.same);
      create function public.equal(int, int) returns boolean language plpgsql immutable as $$ begin return public.note('operator') operator(pg_catalog.=) 0; end $$;
      create operator public.= (leftarg = int, rightarg = int, function = public.equal)`,
    springs: 'select 1 = 1',
  },
  {
    place: 'aggregate',
    sql: `create function public.adds(numeric, numeric) returns numeric language sql as $$ select public.note('aggregate')::numeric $$;
      create aggregate public.sum(numeric) (sfunc = public.adds, stype = numeric, initcond = '0')`,
    springs: 'select sum(1::numeric)',
  },
  {
    place: 'operator-class',
    bySuperuser: true,
    sql: `create operator public.< (leftarg = public.colour, rightarg = public.colour, function = public.same); create operator class public.colours default for type public.colour using btree as operator 1 public.<, operator 3 public.=, function 1 public.compare(public.colour, public.colour);
      set role owner; create table public.keyed (c public.colour primary key); insert into public.keyed values ('red'); create table public.keys (c public.colour references public.keyed, l public.colour[] unique, p public.pair unique); insert into public.keys values ('red', '{red}', (1, 'red')); reset role`,
    springs: "select array['red'::public.colour] < array['green'::public.colour]",
  },
  {
    place: 'hash',
    bySuperuser: true,
    sql: `create operator class public.colours default for type public.colour using hash as operator 1 public.=, function 2 public.hashed(public.colour, bigint), function 1 public.hashed_once(public.colour);
      set role owner; create table public.hashes (c public.colour, n int) partition by hash (c); create table public.hash_0 partition of public.hashes for values with (modulus 1, remainder 0); insert into public.hashes values ('red', 1); reset role`,
    springs: "select hash_record_extended(row('red'::public.colour), 0)",
  },
  {
    place: 'subtype-diff',
    sql: `create type public.span as range (subtype = float8, subtype_diff = public.apart); create table public.spans (s public.span);
      insert into public.spans values ('[1,2)'); create index on public.spans using gist (s)`,
  },
  {
    place: 'event-trigger',
    bySuperuser: true,
    sql: `create function public.event() returns event_trigger language plpgsql as $$ begin perform public.note('event-trigger'); end $$;
      create event trigger e on ddl_command_start execute function public.event()`,
    springs: 'create table public.one_more (n int)',
  },
  {
    place: 'virtual',
    since: 18,
    sql: 'create table public.virtual (a int, n int generated always as (a + 1)); insert into public.virtual values (1)',
  },
]

/** What the owner sets so that all names are looked up among theirs first. */
export const HOSTILE_SETTINGS = [
  'search_path = public, pg_catalog',
  'constraint_exclusion = on',
  'quote_all_identifiers = on',
  'standard_conforming_strings = off',
  "lock_timeout = '1ms'",
]

/** A table of the name of its place, with a row; without `springs` a planned statement is enough. */
function table(place: string, sql: string, springs = `select count(*) from only public.${place}`): Trap {
  return {
    place,
    sql: `create table public.${place} (n int); insert into public.${place} values (1); ${sql}`.replaceAll(
      /\.(default|check|index|trigger)\b(?!')/g,
      '."$1"',
    ),
    springs: springs.replaceAll(/\.(default|check|index|trigger)\b/g, '."$1"'),
  }
}
