import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../../core/ports.ts'
import type { Finding } from '../../../../core/restore-point.ts'
import { withSession } from '../../connection/connection.ts'
import { query } from '../../connection/query.ts'
import type { PostgresDetails } from '../../schema.ts'
import { referrersOf } from '../../without-rows/referrers.ts'
import { findTable } from '../staged/preserved.ts'
import type { DatabaseTarget } from '../target/database-target.ts'
import type { DatabaseRow } from '../target/restore-databases.ts'
import { hasRows } from './match-tables.ts'
import { CARRY_NONE, KEPT_IN_PREVIOUS } from './refusal.ts'
import { tablesToCarry, tablesWithoutRows, type TableToCarry } from './tables-to-carry.ts'

/** What a swap does with the tables whose rows backups leave out, and what may stop it. */
export async function carriedFindings(
  place: DatabaseTarget,
  details: PostgresDetails,
  live: DatabaseRow | undefined,
  context: Context,
): Promise<readonly Finding[]> {
  const wanted = tablesToCarry(place, details)
  const empty = tablesWithoutRows(place, details).filter(({ isInPoint }) => !isInPoint)
  if (live === undefined) return empty.map((one) => warning(one, 'comes back without rows: nothing is live'))
  if (wanted.length === 0) return place.accept.includes('without-live-rows') ? empty.map(givenUp) : []
  if (!live.open) return wanted.map((one) => ({ level: 'untested', subject: subjectOf(one), message: CLOSED }))
  const objects = new Set(details.fingerprint.objects.map(({ name }) => name))
  return withSession(place.server, live.name, context, async (session) => {
    const findings: Finding[] = []
    for (const one of wanted) findings.push(...(await findingsOf(session, one, objects.has(one.object))))
    return [...findings, ...(await keyFindings(session, wanted))]
  })
}

const CLOSED = 'the live database is closed, by an earlier restore perhaps'

function subjectOf({ name }: TableToCarry): string {
  return `table without rows ${name}`
}

function warning(one: TableToCarry, message: string, hint?: string): Finding {
  return { level: 'warning', subject: subjectOf(one), message, ...(hint === undefined ? {} : { hint }) }
}

function givenUp(one: TableToCarry): Finding {
  return warning(one, 'comes back without its live rows', KEPT_IN_PREVIOUS)
}

async function findingsOf(session: pg.Client, one: TableToCarry, isThere: boolean): Promise<Finding[]> {
  const table = await findTable(session, one.name)
  if (table === undefined) return one.isInPoint ? [] : [warning(one, 'is not live, and comes back without rows')]
  if (!(await hasRows(session, table)))
    return one.isInPoint ? [] : [{ level: 'ok', subject: subjectOf(one), message: 'is empty, and stays so' }]
  if (!isThere)
    return [{ level: 'error', subject: subjectOf(one), message: 'is not in the restore point', hint: CARRY_NONE }]
  const message = one.isInPoint
    ? 'keeps its live rows; those that the point still has of it are not used'
    : 'keeps its live rows'
  return [{ level: 'ok', subject: subjectOf(one), message }]
}

const key = z.object({ child: z.string(), constraint: z.string(), parent: z.string() })
const OUTWARD = `select k.conrelid::regclass::text as child, quote_ident(k.conname) as constraint, k.confrelid::regclass::text as parent
  from pg_constraint k where k.contype = 'f' and k.conparentid = 0 and coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
    and k.conrelid::oid = any ($1::oid[]) and not k.confrelid::oid = any ($1::oid[]) order by 1, 2`
const tree = z.object({ oid: z.string() })
const TREE = `select to_regclass(given.name)::oid::text as oid from unnest($1::text[]) given(name) where to_regclass(given.name) is not null
  union select t.relid::oid::text from unnest($1::text[]) given(name), pg_partition_tree(to_regclass(given.name)) t`

/** Of the live tables, which are like those of the point but for what the app changed since. */
async function keyFindings(session: pg.Client, wanted: readonly TableToCarry[]): Promise<Finding[]> {
  const oids = (await query(session, tree, TREE, [wanted.map(({ name }) => name)])).map(({ oid }) => oid)
  const outward = await query(session, key, OUTWARD, [oids])
  // The definitions of the point may have no such key; then nothing stops the swap.
  const inward = wanted.some(({ isInPoint }) => isInPoint) ? await referrersOf(session, oids) : []
  return [
    ...outward.map(({ child, constraint, parent }): Finding => ({
      level: 'warning',
      subject: `table without rows ${child}`,
      message: `refers to ${parent} (foreign key ${constraint}): a live row for which the point has no row of ${parent} stops the swap before anything is changed`,
      hint: 'With --accept without-rows such rows are left out.',
    })),
    ...inward.map(({ child, constraint }): Finding => ({
      level: 'warning',
      subject: `table ${child}`,
      message: `refers to a table of withoutRows (foreign key ${constraint}), which may stop the swap before anything is changed`,
      hint: `Add ${child} to withoutRows too, or take the table out of it.`,
    })),
  ]
}
