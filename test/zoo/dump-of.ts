import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runTool } from '../../src/components/postgres/tools/tool-run.ts'
import { chooseTools } from '../../src/components/postgres/tools/tools.ts'
import { differingLines, dumpLines } from '../parts/postgres-dump-text.ts'
import { testContext } from '../parts/postgres.ts'
import type { TestPostgres } from '../parts/postgres.ts'

const LIMITS = { idleLimit: 1_800_000, totalLimit: 1_800_000 }

/** A database at one moment: as pg_dump words it, and as a file to load. */
export interface DumpOf {
  readonly lines: readonly string[]
  readonly file: string
  readonly locale: string
}

export async function dumpOf(postgres: TestPostgres, database: string, folder: string): Promise<DumpOf> {
  const file = join(folder, `${database}.dump`)
  await rm(file, { force: true })
  await tool(postgres, 'pg_dump', database, ['--format=custom', '--no-sync', `--file=${file}`])
  const [row] = await postgres.sql(database, 'select datcollate from pg_database where datname = current_database()')
  return {
    file,
    locale: String(row?.['datcollate']),
    lines: await dumpLines(postgres.server, versionOf(postgres), database),
  }
}

/**
 * What differs between two dumps. PostgreSQL words some definitions anew when it loads them: where the texts differ, both
 * dumps are loaded once and their texts compared then.
 */
export async function differenceOf(postgres: TestPostgres, one: DumpOf, other: DumpOf): Promise<string[]> {
  if (differingLines(one.lines, other.lines).length === 0) return []
  return differingLines(await wordedAnew(postgres, one), await wordedAnew(postgres, other))
}

async function wordedAnew(postgres: TestPostgres, { file, locale }: DumpOf): Promise<string[]> {
  await load(postgres, file, 'zoo_worded_anew', locale)
  const lines = await dumpLines(postgres.server, versionOf(postgres), 'zoo_worded_anew')
  await postgres.dropDatabase('zoo_worded_anew')
  return lines
}

/** Loads a dump in pg_dump's own format into a new database. */
export async function load(postgres: TestPostgres, file: string, database: string, locale: string): Promise<void> {
  await postgres.createDatabase(database, `template template0 locale '${locale}'`)
  await tool(postgres, 'pg_restore', database, ['--jobs=2', '--exit-on-error'], file)
}

async function tool(
  postgres: TestPostgres,
  program: 'pg_dump' | 'pg_restore',
  database: string,
  args: readonly string[],
  file?: string,
): Promise<void> {
  const context = testContext()
  const tools = await chooseTools(versionOf(postgres), {}, context)
  const call = { tools, program, args, server: postgres.server, database, limits: LIMITS }
  await runTool(file === undefined ? call : { ...call, file }, context)
}

const versionOf = (postgres: TestPostgres): number => Number(postgres.process?.version)
