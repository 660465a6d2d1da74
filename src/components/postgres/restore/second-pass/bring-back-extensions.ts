import type pg from 'pg'
import { z } from 'zod'
import { describe } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import { identifier } from '../../connection/connection.ts'
import { query } from '../../connection/query.ts'
import { KEPT_SCHEMA } from './keep-rows.ts'
import type { WayTaken } from './way.ts'

const EXTENSION = 'EXTENSION '
const kept = z.object({ insert: z.string() })

/** One statement for each kept table whose own table is there again. Its sequences go on behind its rows. */
const BACK = `
  select format('insert into %s (%s) overriding system value select %s from %I.%I; drop table %4$I.%5$I', t.oid::regclass,
    string_agg(quote_ident(a.attname), ', ' order by a.attnum), string_agg(format('%I::%s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum), $1::text, k.relname)
    || coalesce(string_agg(format('; select setval(%L, max(%I)) from %s having max(%2$I) is not null', q.oid::regclass, a.attname, t.oid::regclass), '') filter (where q.oid is not null), '') as insert
  from pg_class k join pg_namespace s on s.oid = k.relnamespace and s.nspname = $1::text
    join pg_class t on k.relname = (select n.nspname from pg_namespace n where n.oid = t.relnamespace) || '.' || t.relname and t.relkind in ('r', 'p')
    join pg_attribute o on o.attrelid = k.oid and o.attnum > 0 join pg_attribute a on a.attrelid = t.oid and a.attname = o.attname
    left join pg_attrdef f on f.adrelid = t.oid and f.adnum = a.attnum
    left join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = f.oid and d.refclassid = 'pg_class'::regclass and d.deptype = 'n'
    left join pg_class q on q.oid = d.refobjid and q.relkind = 'S'
  group by t.oid, k.relname order by k.relname`

/**
 * Makes the extensions that a load left out, now that the database has its name and its server's settings, and gives them
 * their rows back. What cannot be made stays aside, with its rows; that is told and ends nothing.
 */
export async function bringBackExtensions(
  session: pg.Client,
  ways: readonly WayTaken[],
  context: Context,
): Promise<void> {
  for (const { name, way } of ways) {
    if (way !== 'left-out' || !name.startsWith(EXTENSION)) continue
    const extension = name.slice(EXTENSION.length)
    try {
      await context.effects.run('sql bring back extension', () => bringBack(session, extension))
      context.progress({ type: 'note', message: `extension ${extension} is there again, with its rows` })
    } catch (error) {
      context.signal.throwIfAborted()
      await session.query('rollback')
      const message = `extension ${extension} cannot be made in the restored database, either: ${describe(error)}. Its rows, if it had some, are in schema ${KEPT_SCHEMA}`
      context.progress({ type: 'warning', message })
    }
  }
}

async function bringBack(session: pg.Client, extension: string): Promise<void> {
  await session.query('begin; set local search_path to default')
  await session.query(`create extension if not exists ${identifier(unquoted(extension))}; set local search_path = ''`)
  for (const { insert } of await query(session, kept, BACK, [KEPT_SCHEMA])) await session.query(insert)
  await session.query(`drop schema if exists ${KEPT_SCHEMA}; commit`)
}

/** pg_dump may quote the name in its list. */
function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
}
