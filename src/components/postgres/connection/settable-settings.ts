import type pg from 'pg'
import type { Finding } from '../../../core/restore-point.ts'
import { settingValue } from './setting-value.ts'
import { identifier } from './connection.ts'
import type { PostgresDetails } from '../schema.ts'
import { attempt, sqlState } from '../restore/target/database-target.ts'

interface Setting {
  readonly name: string
  readonly value: string
}

/** Of no server of this version, or of a library that it does not have; and a value that it does not take. */
const REFUSED: readonly string[] = ['42704', '22023']

/**
 * Those that this server lets a database or a role have. Each is tried on the session's own role and taken back. Not to be called
 * inside a transaction.
 */
export async function settableSettings<One extends Setting>(
  admin: pg.Client,
  settings: readonly One[],
): Promise<One[]> {
  const settable: One[] = []
  for (const one of settings) if (await isSettable(admin, one)) settable.push(one)
  return settable
}

async function isSettable(admin: pg.Client, { name, value }: Setting): Promise<boolean> {
  const run = (sql: string): Promise<unknown> => attempt(`try the setting ${name}`, () => admin.query(sql))
  await run('begin')
  try {
    await run(`alter role current_user set ${identifier(name)} to ${settingValue(name, value)}`)
    return true
  } catch (error) {
    // A right that is missing is said where the setting is given.
    if (sqlState(error) === '') throw error
    return !REFUSED.includes(sqlState(error))
  } finally {
    await run('rollback')
  }
}

/** Settings of the database and of its roles that this server cannot have; the restore goes on without them. */
export async function settingFindings(admin: pg.Client, details: PostgresDetails): Promise<Finding[]> {
  const ofDatabase = details.settings.map((one) => ({ ...one, of: `database ${details.database}` }))
  const ofRoles = details.roles.flatMap(({ name, settings }) => settings.map((one) => ({ ...one, of: `role ${name}` })))
  const all = [...ofDatabase, ...ofRoles]
  const settable = new Set(await settableSettings(admin, all))
  return all
    .filter((one) => !settable.has(one))
    .map(({ of, name, value }) => ({
      level: 'warning',
      subject: `setting ${name} of ${of}`,
      message: `is left out: this server does not know it, or does not take the value ${value}`,
      hint: 'If the application needs it, set what replaces it in this version of PostgreSQL after the restore.',
    }))
}
