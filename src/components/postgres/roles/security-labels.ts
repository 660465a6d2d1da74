import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { identifier, literal } from '../connection/connection.ts'
import { query } from '../connection/query.ts'
import type { PostgresDetails } from '../schema.ts'
import { attempt, sqlState } from '../restore/target/database-target.ts'

/** What SECURITY LABEL said of the database itself; a dump holds only those of what is inside. */
export type SecurityLabel = PostgresDetails['securityLabels'][number]

const label = z.object({ provider: z.string(), label: z.string() })
const LABELS = `select l.provider, l.label from pg_shseclabel l join pg_database d on d.oid = l.objoid
  where l.classoid = 'pg_database'::regclass and d.datname = $1 order by 1`

export function readLabels(session: pg.ClientBase, database: string): Promise<SecurityLabel[]> {
  return query(session, label, LABELS, [database])
}

/** Those whose provider this server has. */
export async function settableLabels(admin: pg.Client, labels: readonly SecurityLabel[]): Promise<SecurityLabel[]> {
  const settable: SecurityLabel[] = []
  for (const one of labels) if (await hasProvider(admin, one.provider)) settable.push(one)
  return settable
}

/** No catalog lists providers. The server looks for the provider first, and no large object has the number 0. */
async function hasProvider(admin: pg.Client, provider: string): Promise<boolean> {
  try {
    await attempt(`look for the label provider ${provider}`, () =>
      admin.query(`security label for ${literal(provider)} on large object 0 is null`),
    )
    return true
  } catch (error) {
    if (sqlState(error) === NO_SUCH_OBJECT) return true
    if (sqlState(error) === NOT_LOADED) return false
    throw error
  }
}

const NO_SUCH_OBJECT = '42704'
const NOT_LOADED = '22023'

/** Labels of a lost database that it will be without. */
export async function labelFindings(
  admin: pg.Client,
  { database, securityLabels }: PostgresDetails,
): Promise<Finding[]> {
  const settable = await settableLabels(admin, securityLabels)
  return securityLabels
    .filter(({ provider }) => !settable.some((one) => one.provider === provider))
    .map((one) => ({
      level: 'warning',
      subject: `security label of ${one.provider}`,
      message: `is not given back to database ${database}: this server does not have the provider`,
      hint: `Load its library in every session (shared_preload_libraries) and restart the server before the restore, or set it afterwards: ${labelStatement(database, one.provider, literal(one.label))};`,
    }))
}

/** Labels of what is inside the database are in the dump, which cannot be restored where their provider is not. */
export async function providerFindings(admin: pg.Client, { labelProviders }: PostgresDetails): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const provider of labelProviders)
    if (!(await hasProvider(admin, provider)))
      findings.push({
        level: 'error',
        subject: `label provider ${provider}`,
        message: 'is not loaded on this server, and objects of the restore point have its security labels',
        hint: 'Load its library in every session (shared_preload_libraries) and restart the server. What it protects would lie open without.',
      })
  return findings
}

const PROVIDERS = 'select distinct provider from pg_seclabel order by 1'

export async function readProviders(session: pg.ClientBase): Promise<string[]> {
  return (await query(session, z.object({ provider: z.string() }), PROVIDERS)).map(({ provider }) => provider)
}

/** All providers that a restore gives labels of: to the database, and to what is inside. */
export function providersOf({
  securityLabels,
  labelProviders,
}: Pick<PostgresDetails, 'securityLabels' | 'labelProviders'>): string[] {
  return [...new Set([...securityLabels.map(({ provider }) => provider), ...labelProviders])].sort()
}

const LABEL = 'SECURITY LABEL '

/** Whether the dump has labels of its objects. */
export function hasLabels({ fingerprint }: PostgresDetails): boolean {
  return fingerprint.objects.some(({ name }) => name.startsWith(LABEL))
}

/** For a comparison with a server that has no providers. */
export function withoutLabels(details: PostgresDetails): PostgresDetails {
  const objects = details.fingerprint.objects.filter(({ name }) => !name.startsWith(LABEL))
  return { ...details, fingerprint: { ...details.fingerprint, objects } }
}

/** The statements that turn the labels `now` into those wanted. */
export function labelStatements(
  database: string,
  now: readonly SecurityLabel[],
  wanted: readonly SecurityLabel[],
): string[] {
  const has = (labels: readonly SecurityLabel[], one: SecurityLabel): boolean =>
    labels.some(({ provider, label: text }) => one.provider === provider && one.label === text)
  const removed = now.filter(({ provider }) => !wanted.some((one) => one.provider === provider))
  const changed = wanted.filter((one) => !has(now, one))
  return [
    ...removed.map(({ provider }) => labelStatement(database, provider, 'null')),
    ...changed.map((one) => labelStatement(database, one.provider, literal(one.label))),
  ]
}

function labelStatement(database: string, provider: string, text: string): string {
  return `security label for ${literal(provider)} on database ${identifier(database)} is ${text}`
}

/** Only a session that has the provider's library can set its label; without the label the data would be less protected. */
export function labelRefused(database: string, error: Failure): Failure {
  return new Failure('denied', `a security label cannot be given to ${database}: ${error.message}`, {
    cause: error.cause,
    hint: 'Load the label provider in every session (shared_preload_libraries) and restore with a role that may set the label (restoreUser); or take the label off the live database (SECURITY LABEL … IS NULL) and set it again after the restore.',
  })
}
