import type pg from 'pg'
import { z } from 'zod'
import type { Finding } from '../../../core/restore-point.ts'
import { listed, OUR_SCHEMAS, relationName } from './check-catalog.ts'
import { query } from '../connection/query.ts'

/** Something in a database that makes its restore points less than they look, and how to find it. */
interface CatalogCheck {
  readonly level: 'ok' | 'warning' | 'error'
  readonly subject: string
  readonly message: string
  readonly hint?: string
  /** The server version that has what `names` asks for. */
  readonly since?: number
  /** Gives the names in a column `name`; no rows if all is well. */
  readonly names: string
}

const TRAPS: readonly CatalogCheck[] = [
  {
    level: 'warning',
    subject: 'constraints that are not validated',
    message: 'rows from before them may break them; they come back as they are, unchecked',
    hint: 'ALTER TABLE … VALIDATE CONSTRAINT, or correct the rows first.',
    names: `select case when conrelid = 0 then contypid::regtype::text else conrelid::regclass::text end || ' ' || quote_ident(conname) as name from pg_constraint where not convalidated`,
  },
  {
    level: 'error',
    subject: 'unlogged tables',
    message: 'cannot be read on a standby',
    hint: 'Back up from the primary server.',
    names: `select ${relationName('c')} as name from pg_class c where c.relkind = 'r' and c.relpersistence = 'u' and pg_is_in_recovery()`,
  },
  {
    level: 'ok',
    subject: 'unlogged tables',
    message: 'their rows are captured as those of other tables; a crash of the server empties them',
    names: `select ${relationName('c')} as name from pg_class c where c.relkind = 'r' and c.relpersistence = 'u' and not pg_is_in_recovery()`,
  },
  {
    level: 'warning',
    subject: 'collation of the database',
    message:
      'the operating system sorts otherwise than when indexes were built: they may be damaged, and let duplicates in that cannot be restored',
    hint: 'REINDEX DATABASE, then ALTER DATABASE … REFRESH COLLATION VERSION.',
    since: 150_000,
    names: `select datcollate::text || ' was ' || datcollversion || ', is ' || pg_database_collation_actual_version(oid) as name
      from pg_database where datname = current_database() and datcollversion <> pg_database_collation_actual_version(oid)`,
  },
  {
    level: 'warning',
    subject: 'collations of columns',
    message:
      'sort otherwise than when indexes were built: those may be damaged, and let duplicates in that cannot be restored',
    hint: 'REINDEX what uses them, then ALTER COLLATION … REFRESH VERSION.',
    names: `select l.oid::regcollation::text || ' was ' || l.collversion || ', is ' || pg_collation_actual_version(l.oid) as name from pg_collation l
      where l.collversion <> pg_collation_actual_version(l.oid) and exists (select from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        where a.attcollation = l.oid and a.attnum > 0 and not a.attisdropped and ${OUR_SCHEMAS})`,
  },
  {
    level: 'warning',
    subject: 'extensions',
    message: 'could not be created anew on this server, where their files are gone',
    hint: 'Install their packages again; a target needs them too.',
    names: `select quote_ident(e.extname) as name from pg_extension e where not exists (select from pg_available_extensions a where a.name = e.extname)`,
  },
  {
    level: 'warning',
    subject: 'versions of extensions',
    message: 'are not the ones that this server would create; a restore gets those',
    hint: 'ALTER EXTENSION … UPDATE brings both together.',
    names: `select quote_ident(e.extname) || ' ' || e.extversion || ' (' || a.default_version || ')' as name from pg_extension e join pg_available_extensions a on a.name = e.extname
      where a.default_version <> e.extversion`,
  },
  {
    level: 'warning',
    subject: 'encoding',
    message: 'the server does not check what text holds; it is captured and restored byte by byte',
    names: `select pg_encoding_to_char(encoding) as name from pg_database where datname = current_database() and pg_encoding_to_char(encoding) = 'SQL_ASCII'`,
  },
]

/** What a dump of this database would fail on later, or bring back other than expected. Each finding names the objects. */
export async function checkContent(client: pg.ClientBase, database: string, version: number): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { names, level, subject, message, hint, since } of TRAPS) {
    if (since !== undefined && version < since) continue
    const found = await query(client, z.object({ name: z.string() }), `${names} order by 1`)
    if (found.length === 0) continue
    findings.push({
      level,
      subject: `database ${database}: ${subject}`,
      message: `${message}: ${listed(found.map(({ name }) => name))}`,
      ...(hint === undefined ? {} : { hint }),
    })
  }
  return findings
}
