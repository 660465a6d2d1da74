import type pg from 'pg'
import { z } from 'zod'
import { describe } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import type { Finding } from '../../../../core/restore-point.ts'
import { withSession } from '../../connection/connection.ts'
import { clientsOf, describeSessions, preparedTransactions, seesKinds, sessionsOf } from '../staged/fence.ts'
import { describeTable } from '../staged/preserved.ts'
import { query } from '../../connection/query.ts'
import type { PostgresDetails } from '../../schema.ts'
import { readSubscriptions, subscriptionsInPlace } from '../staged/subscriptions.ts'
import type { DatabaseTarget } from '../target/database-target.ts'
import type { DatabaseRow } from '../target/restore-databases.ts'

/** What is on the live database now and would be in the way of the restore, or stay behind. */
export async function liveFindings(
  admin: pg.Client,
  { names }: DatabaseTarget,
  exists: boolean,
  mode: 'swap' | 'in-place',
): Promise<Finding[]> {
  if (!exists) return []
  const subject = `database ${names.live}`
  const prepared = await preparedTransactions(admin, names.live)
  const sessions = await (mode === 'swap' ? sessionsOf : clientsOf)(admin, names.live)
  const findings: Finding[] = []
  if (prepared.length > 0)
    findings.push({
      level: 'error',
      subject,
      message: `has prepared transactions: ${prepared.join(', ')}`,
      hint: 'Finish them with COMMIT PREPARED or ROLLBACK PREPARED.',
    })
  if (sessions.length > 0)
    findings.push(
      sessionFinding(subject, describeSessions(sessions), mode === 'swap' || (await seesKinds(admin)), mode),
    )
  return [...findings, ...(await attachedFindings(admin, names.live, mode))]
}

async function attachedFindings(admin: pg.Client, live: string, mode: 'swap' | 'in-place'): Promise<Finding[]> {
  const subject = `database ${live}`
  const slots = (await query(admin, z.object({ name: z.string() }), SLOTS, [live])).map(
    ({ name }) => `replication slot ${name}`,
  )
  if (mode === 'in-place') {
    const message = (what: string): string => `${what} stays, and who reads it is sent the restored rows too`
    return [
      ...slots.map((what): Finding => ({ level: 'warning', subject, message: message(what) })),
      ...(await subscriptionsInPlace(admin, live)),
    ]
  }
  const subscriptions = await readSubscriptions(admin, live)
  const named = subscriptions.map(({ name, slot }) => `subscription ${name}${slot === null ? '' : ` (slot ${slot})`}`)
  return [...slots, ...named].map((what) => ({
    level: 'warning',
    subject,
    message: `${what} stays with the previous database`,
    hint: 'Set it up again on the restored database, or drop it before.',
  }))
}

function sessionFinding(subject: string, sessions: string, seen: boolean, mode: 'swap' | 'in-place'): Finding {
  if (mode === 'swap') return { level: 'ok', subject, message: `serves ${sessions}; their sessions end at the swap` }
  const stop = 'Stop the application before a restore over its live data.'
  return {
    level: 'error',
    subject,
    message: `serves ${sessions}`,
    hint: seen ? stop : `${stop} ${WORKERS}`,
  }
}

const WORKERS =
  'Where they are workers of an extension, such as pg_cron: a role without pg_read_all_stats cannot tell those from clients; grant it to the role that restores.'

/** Like subscriptions, they refer to a database by its object id, are in no dump and not carried over. */
const SLOTS = `select slot_name::text as name from pg_replication_slots where database = $1 order by 1`

const referrer = z.object({ child: z.string(), parent: z.string() })
const REFERRERS = `select distinct format('%I.%I', cn.nspname, c.relname) as child, format('%I.%I', pn.nspname, p.relname) as parent
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace cn on cn.oid = c.relnamespace
    join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
  where k.contype = 'f' and format('%I.%I', pn.nspname, p.relname) = any ($1) and not format('%I.%I', cn.nspname, c.relname) = any ($1) order by 1, 2`

/** Whether every preserved table is there on both sides and can be emptied. */
export async function preservedFindings(
  { settings, server, names }: DatabaseTarget,
  details: PostgresDetails,
  live: DatabaseRow | undefined,
  context: Context,
): Promise<Finding[]> {
  if (settings.preserve.length === 0 || live === undefined) return []
  if (!live.open)
    return [
      {
        level: 'untested',
        subject: 'preserved tables',
        message: `database ${names.live} is closed, by an earlier restore perhaps`,
      },
    ]
  const captured = new Set(details.fingerprint.tables.map(({ name }) => name))
  return withSession(server, names.live, context, async (client) => {
    const findings: Finding[] = []
    const found: string[] = []
    for (const table of settings.preserve) {
      const name = await describeTable(client, table, 'live').then((one) => one.name, describe)
      if (captured.has(name)) found.push(name)
      else findings.push(missing(table, name))
    }
    const referrers = await query(client, referrer, REFERRERS, [found])
    return [
      ...findings,
      ...referrers.map(referred),
      ...found.map((name): Finding => ({ level: 'ok', subject: `preserved table ${name}`, message: 'is there' })),
    ]
  })
}

function missing(table: string, name: string): Finding {
  return {
    level: 'error',
    subject: `preserved table ${table}`,
    message: `is not both live and in the restore point (${name})`,
    hint: 'Write it as schema.table, or take it out of preserve.',
  }
}

function referred({ child, parent }: z.infer<typeof referrer>): Finding {
  return {
    level: 'error',
    subject: `preserved table ${parent}`,
    message: `is referred to by ${child}, which is not preserved`,
    hint: `Preserve ${child} too.`,
  }
}
