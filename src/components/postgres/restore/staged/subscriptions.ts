import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import type { Finding } from '../../../../core/restore-point.ts'
import { identifier, withSession } from '../../connection/connection.ts'
import type { Server } from '../../connection/connection.ts'
import { query } from '../../connection/query.ts'
import type { PostgresDetails } from '../../schema.ts'
import { change } from '../target/database-target.ts'
import { inTransaction } from '../target/target-transaction.ts'

/** A subscription of a database and the slot on its publisher. */
export type Subscription = PostgresDetails['subscriptions'][number]

const subscription = z.object({ name: z.string(), slot: z.string().nullable() })
const SUBSCRIPTIONS = `select s.subname::text as name, s.subslotname::text as slot from pg_subscription s join pg_database d on d.oid = s.subdbid where d.datname = $1 order by 1`

export function readSubscriptions(session: pg.ClientBase, database: string): Promise<Subscription[]> {
  return query(session, subscription, SUBSCRIPTIONS, [database])
}

/**
 * Drops what a restore made in a database beside, for PostgreSQL drops no database with a subscription. The slot on the
 * publisher is that of the live database: a subscription that still knew it would take it along.
 */
export async function dropSubscriptions(
  admin: pg.Client,
  server: Server,
  database: string,
  context: Context,
): Promise<void> {
  const found = await readSubscriptions(admin, database)
  if (found.length === 0) return
  await withSession(server, database, context, (session) =>
    inTransaction(session, 'drop subscriptions', context, async () => {
      for (const name of found.map((one) => identifier(one.name)))
        for (const statement of [
          `alter subscription ${name} disable`,
          `alter subscription ${name} set (slot_name = none)`,
          `drop subscription ${name}`,
        ])
          await change(session, 'DROP SUBSCRIPTION beside', statement, context)
    }),
  )
}

/** Of a database that may have been in use: whether its slots are still wanted, only people know. */
export async function requireNoSubscriptions(admin: pg.Client, database: string): Promise<void> {
  const names = (await readSubscriptions(admin, database)).map(({ name }) => identifier(name))
  if (names.length === 0) return
  throw new Failure('refused', `database ${database} is kept: it has the subscriptions ${names.join(', ')}`, {
    hint: `Allow connections to it (ALTER DATABASE … ALLOW_CONNECTIONS true), connect, and for each: ALTER SUBSCRIPTION … DISABLE, ALTER SUBSCRIPTION … SET (slot_name = NONE), DROP SUBSCRIPTION. This leaves the slots on the publisher.`,
  })
}

/** What the restored database will have of subscriptions and publications, and what is to be done by hand. */
export function replicationFindings({ fingerprint, subscriptions }: PostgresDetails): Finding[] {
  return fingerprint.objects.flatMap(({ name: subject }): Finding[] => {
    if (subject.startsWith('PUBLICATION '))
      return [{ level: 'warning', subject, message: 'is restored; its subscribers have to copy anew' }]
    if (!subject.startsWith('SUBSCRIPTION ')) return []
    const name = subject.slice('SUBSCRIPTION '.length)
    return [restoredFinding(subject, name, subscriptions.find((one) => one.name === name)?.slot ?? undefined)]
  })
}

function restoredFinding(subject: string, name: string, slot: string | undefined): Finding {
  const alter = `ALTER SUBSCRIPTION ${identifier(name)}`
  const itsSlot = slot === undefined ? 'its slot on the publisher' : `slot ${slot} on its publisher`
  const first = slot === undefined ? `${alter} SET (slot_name = '…'), then ` : ''
  return {
    level: 'warning',
    subject,
    message: `is restored disabled; ${itsSlot} does not send again what it sent since the backup`,
    hint: `After the restore, to go on without what lies between: ${first}${alter} ENABLE, then ${alter} REFRESH PUBLICATION WITH (copy_data = false). To have all rows anew: TRUNCATE its tables before, and REFRESH PUBLICATION without the option. Where the slot is gone, make it on the publisher first: SELECT pg_create_logical_replication_slot('${slot ?? '…'}', 'pgoutput').`,
  }
}

/** In place the restore would drop the subscription, which drops its slot on the publisher too or fails where that is not to be reached. */
export async function subscriptionsInPlace(admin: pg.Client, database: string): Promise<Finding[]> {
  const attached = (await readSubscriptions(admin, database)).filter(({ slot }) => slot !== null)
  return attached.map(({ name, slot }) => ({
    level: 'error',
    subject: `database ${database}`,
    message: `has the subscription ${name}: restored in place it would be dropped, and slot ${slot ?? ''} on the publisher with it`,
    hint: `Restore with swap; or first ALTER SUBSCRIPTION ${identifier(name)} DISABLE and ALTER SUBSCRIPTION ${identifier(name)} SET (slot_name = NONE).`,
  }))
}
