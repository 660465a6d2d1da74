/**
 * Definitions of every kind that PostgreSQL words otherwise once they were dumped and loaded, though they mean the same.
 * Each with the object whose text changes.
 */
export const WORDINGS: readonly (readonly [subject: string, since: number, sql: string])[] = [
  [
    'TABLE worded ticket',
    14,
    `create table worded.ticket (id int primary key, state varchar(20), code char(3), score int, body text,
       constraint state check (state in ('new', 'open')), constraint score check (score between 1 and 5 and id > 0),
       constraint never check (code not in ('x', 'y')), constraint mixed check (state in ('a', body)))`,
  ],
  [
    'TABLE worded computed',
    14,
    `create table worded.computed (state varchar(9), waiting boolean generated always as (state in ('new', 'open')) stored,
       early boolean default ('a'::varchar in ('a', 'b')))`,
  ],
  ['INDEX worded partial', 14, `create index partial on worded.ticket (id) where state in ('new', 'open')`],
  ['INDEX worded computed_waiting', 14, `create index computed_waiting on worded.ticket ((state in ('new', 'open')))`],
  [
    'CONSTRAINT worded ticket apart',
    14,
    `alter table worded.ticket add constraint apart exclude using btree (id with =) where (state in ('new', 'open'))`,
  ],
  [
    'VIEW worded waiting',
    14,
    `create view worded.waiting as select id from worded.ticket where state in ('new', 'open') and score between 1 and 3 and id > 0`,
  ],
  [
    'MATERIALIZED VIEW worded kept',
    14,
    `create materialized view worded.kept as select id from worded.ticket where state not in ('new', 'open')`,
  ],
  [
    'RULE worded ticket told',
    14,
    `create rule told as on update to worded.ticket where new.state in ('new', 'open') do also delete from worded.computed`,
  ],
  [
    'TRIGGER worded ticket moved',
    14,
    `create function worded.moved() returns trigger language plpgsql as $$ begin return new; end $$;
     create trigger moved before update on worded.ticket for each row when (new.state in ('new', 'open')) execute function worded.moved()`,
  ],
  [
    'POLICY worded ticket seen',
    14,
    `create policy seen on worded.ticket using (state in ('new', 'open')) with check (score between 1 and 5 and id > 0)`,
  ],
  [
    'STATISTICS worded both',
    14,
    `create statistics worded.both on (state in ('new', 'open')), score from worded.ticket`,
  ],
  ['DOMAIN worded state', 14, `create domain worded.state as varchar(20) check (value in ('new', 'open'))`],
  [
    'FUNCTION worded is_open(character varying)',
    14,
    `create function worded.is_open(state varchar) returns boolean language sql begin atomic select state in ('new', 'open'); end`,
  ],
  [
    'FUNCTION worded by_default(boolean)',
    14,
    `create function worded.by_default(known boolean default ('a'::varchar in ('a', 'b'))) returns boolean language sql as 'select known'`,
  ],
  [
    'TABLE worded parts',
    14,
    `create table worded.parts (state varchar(9), n int) partition by list ((state in ('new', 'open')))`,
  ],
  [
    'PUBLICATION TABLE worded filtered ticket',
    15,
    `create publication filtered for table worded.ticket where (score between 1 and 5 and id > 0)`,
  ],
]

export function wordings(major: number): string {
  return ['create schema worded', ...WORDINGS.flatMap(([, since, sql]) => (since <= major ? [sql] : []))].join(';\n')
}
