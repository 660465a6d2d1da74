import assert from 'node:assert/strict'
import { z } from 'zod'
import { identifier } from '../../src/components/postgres/connection/connection.ts'
import type { TestPostgres } from '../parts/postgres.ts'
import { differenceOf, dumpOf, load } from './dump-of.ts'
import type { DumpOf } from './dump-of.ts'
import { openHoldfast } from './holdfast-lab.ts'
import type { HoldfastLab, HoldfastOptions } from './holdfast-lab.ts'

/** What was done to a database, and what went wrong. */
export interface Proven {
  readonly tables: number
  readonly rows: number
  readonly stages: readonly Stage[]
}

export interface Stage {
  readonly name: string
  readonly seconds: number
  readonly problem?: string
}

/** What a restore has to take away again, so that it is seen to have happened. */
const AFTERWARDS = 'zoo_made_after_the_backup'
const EXPORTED = 'zoo_exported'

/**
 * Check, backup, drill, restore by swap and export, each by the command line with the least rights, and what `pg_dump`,
 * the rows and the database itself are like afterwards. `settled` is asked last; a stage that fails does not keep the
 * others from being tried, unless they need it.
 */
export async function prove(
  postgres: TestPostgres,
  database: string,
  settled: () => Promise<void>,
  options: HoldfastOptions = {},
): Promise<Proven> {
  const stages: Stage[] = []
  const stage = async (name: string, act: () => Promise<unknown>): Promise<boolean> => {
    const begun = performance.now()
    const problem = await act().then(() => undefined, messageOf)
    const seconds = (performance.now() - begun) / 1000
    stages.push({ name, seconds, ...(problem === undefined ? {} : { problem }) })
    return problem === undefined
  }
  const counts = await rowCounts(postgres, database)
  const rows = counts.reduce((sum, { rows: some }) => sum + some, 0)
  const lab = await openHoldfast(postgres, database, options)
  try {
    const before = await dumpOf(postgres, database, lab.folder)
    const itself = await databaseItself(postgres, database)
    await stage('check', () => lab.run('check'))
    if (await stage('backup', () => lab.run('backup'))) {
      await stage('drill', () => lab.run('drill'))
      await postgres.sql(database, `create table public.${AFTERWARDS} ()`)
      if (await stage('restore', () => lab.run('restore', '--yes'))) {
        await stage('rows', async () => assert.deepEqual(await rowCounts(postgres, database), counts))
        await stage('database', async () => assert.deepEqual(await databaseItself(postgres, database), itself))
        await stage('pg_dump', async () => equal(postgres, before, await dumpOf(postgres, database, lab.folder)))
        await stage('export', () => exported(postgres, lab, before))
        await stage('migrations', settled)
      }
    }
  } finally {
    await lab.close()
  }
  return { tables: counts.length, rows, stages }
}

async function exported(postgres: TestPostgres, lab: HoldfastLab, before: DumpOf): Promise<void> {
  const file = `${lab.folder}/exported.dump`
  await lab.run('export', 'latest', '--output', file)
  const refusal = await refusalOf(postgres, file, before.locale)
  // What PostgreSQL cannot load of its own dump of the live database, it cannot load of ours.
  if (refusal !== undefined) return assert.equal(refusal, await refusalOf(postgres, before.file, before.locale))
  await equal(postgres, before, await dumpOf(postgres, EXPORTED, lab.folder))
  await postgres.dropDatabase(EXPORTED)
}

async function refusalOf(postgres: TestPostgres, file: string, locale: string): Promise<string | undefined> {
  return load(postgres, file, EXPORTED, locale).then(() => undefined, messageOf)
}

async function equal(postgres: TestPostgres, before: DumpOf, after: DumpOf): Promise<void> {
  const lines = await differenceOf(postgres, before, after)
  if (lines.length > 0) throw new Error(`pg_dump differs:\n${lines.join('\n')}`)
}

const counted = z.object({ table: z.string(), rows: z.coerce.number() })

/** Of every table that holds rows itself. */
async function rowCounts(postgres: TestPostgres, database: string): Promise<readonly z.infer<typeof counted>[]> {
  const named = await postgres.sql(
    database,
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%'
      order by 1, 2`,
  )
  const counts = named.map(({ schema, name }) => {
    const table = `${identifier(String(schema))}.${identifier(String(name))}`
    return `select '${table.replaceAll("'", "''")}' as table, count(*) as rows from only ${table}`
  })
  return counts.length === 0
    ? []
    : z
        .array(counted)
        // To plan a count, functions in indexes are expanded, and some find what they need by the search path only.
        .parse(await postgres.sql(database, `set search_path = public; ${counts.join(' union all ')} order by 1`))
}

/** Of the database as such, which pg_dump does not tell without --create. */
async function databaseItself(postgres: TestPostgres, database: string): Promise<Record<string, unknown>[]> {
  return postgres.sql(
    'postgres',
    `select pg_get_userbyid(datdba) as owner, encoding, datcollate, datctype, datacl::text, datconnlimit, datallowconn,
      shobj_description(oid, 'pg_database') as comment, (select array_agg(setrole::regrole || ': ' || setconfig::text order by setrole)
        from pg_db_role_setting where setdatabase = d.oid) as settings
      from pg_database d where datname = $1`,
    [database],
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
