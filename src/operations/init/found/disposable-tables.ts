import type { Driver } from '../../../components/driver.ts'
import { postgresDriver } from '../../../components/postgres/driver.ts'
import { postgresSettings } from '../../../components/postgres/schema.ts'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Profile } from '../../../profiles/profile.ts'
import { platformSettings } from '../../../platforms/settings.ts'
import { Ways } from '../../ways.ts'
import type { Found } from './draft.ts'

type Settings = Readonly<Record<string, unknown>>

/** Those that are there, and that no other table refers to: rows of others cannot be left out. */
const sqlFor = (tables: readonly string[]): string =>
  `select name from unnest(array[${tables.map((table) => `'${table}'`).join(', ')}]) as wanted(name)
    where to_regclass(name) is not null
      and not exists (select from pg_constraint where contype = 'f' and confrelid = to_regclass(name) and conrelid <> confrelid)`

/** Leaves the rows of disposable tables out, as far as the database has such tables in this version of the app. */
export async function withDisposable(
  { shape }: Profile,
  platform: Settings,
  found: Found,
  context: Context,
): Promise<Found> {
  const { disposable } = shape.database
  const { database } = found.components
  if (disposable.length === 0 || database === undefined) return found
  try {
    const tables = await tablesIn(database, platform, sqlFor(disposable), context)
    const withoutRows = tables.length === 0 ? {} : { withoutRows: tables }
    return { ...found, components: { ...found.components, database: { ...database, ...withoutRows } } }
  } catch (error) {
    context.signal.throwIfAborted()
    if (!(error instanceof Failure)) throw error
    const what = `the rows of ${disposable.join(', ')}, which the app makes anew`
    const why = `the database was not asked for these tables (${error.message}); they are captured`
    return { ...found, undecided: [...(found.undecided ?? []), { what, why }] }
  }
}

async function tablesIn(
  component: Settings,
  platform: Settings,
  sql: string,
  context: Context,
): Promise<readonly string[]> {
  const ways = new Ways(context)
  try {
    const settings = ways.wired(postgresSettings.parse(component), platformSettings.parse(platform))
    const driver: Driver = postgresDriver
    const names: string[] = []
    for await (const { name } of driver.liveRows?.(settings, { sql, limit: 100 }, context) ?? [])
      if (typeof name === 'string') names.push(name)
    return names
  } finally {
    await ways.close()
  }
}
