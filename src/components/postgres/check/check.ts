import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { asFinding } from '../as-finding.ts'
import { checkContent } from './check-content.ts'
import { checkReading } from './check-reading.ts'
import { checkRestoring } from './check-restoring.ts'
import { checkRows } from './check-rows.ts'
import { readerOf } from '../capture/capture.ts'
import { insideReader, type InsideReader } from '../read-inside/inside-reader.ts'
import { leftUnproven, OPEN_A_WAY } from '../read-inside/left-unproven.ts'
import { wayTo, withSession } from '../connection/connection.ts'
import { readDatabaseFacts } from '../capture/database-facts.ts'
import type { DatabaseFacts } from '../capture/database-facts.ts'
import { checkSnapshot } from './check-snapshot.ts'
import { readNotCaptured } from '../not-captured.ts'
import { requireOwnSession } from '../connection/own-session.ts'
import { queryOne } from '../connection/query.ts'
import { checkRehearsal } from '../rehearsal/check-rehearsal.ts'
import type { PostgresSettings } from '../schema.ts'
import { returnFindings } from '../tools/tools-restore.ts'
import { chooseTools } from '../tools/tools.ts'
import { describeVersion, floorFinding, majorOf, NEWEST_MAJOR, OLDEST_MAJOR } from '../versions.ts'

/** Looks at everything that a backup and a restore of this database will need. Changes nothing. */
export function check(settings: PostgresSettings, context: Context): Promise<readonly Finding[]> {
  return checkAll(settings, context, (client) =>
    checkRows(client, settings.database, settings.rowCheckSeconds, context),
  )
}

/** A capture looks through the rows by itself, while it reads them. */
export function checkBeforeCapture(settings: PostgresSettings, context: Context): Promise<readonly Finding[]> {
  return checkAll(settings, context, () => Promise.resolve([]))
}

async function checkAll(
  settings: PostgresSettings,
  context: Context,
  rows: (client: pg.Client) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const subject = `database ${settings.database}`
  try {
    const inside = await insideReader(readerOf(settings), context)
    if (inside !== undefined) return await checkInside(inside, subject, context)
    await requireOwnSession(readerOf(settings), settings.database, context)
    return await withSession(readerOf(settings), settings.database, context, async (client) => {
      const facts = await readDatabaseFacts(client)
      return [
        { level: 'ok', subject, message: await wayTo(readerOf(settings), context) },
        checkVersion(facts),
        ...(await checkStandby(client, subject)),
        ...(await checkTools(facts, settings, context)),
        await checkSnapshot(settings, client, context),
        ...(await checkReading(client, settings)),
        ...(await checkContent(client, settings.database, facts.serverVersion)),
        ...(await checkRehearsal(client, settings, facts, context)),
        ...(await rows(client)),
        ...(await namedLosses(client, subject, facts, settings, context)),
        ...(await checkRestoring(settings, client, context)),
        {
          level: 'untested',
          subject: `${subject}: free space`,
          message: `a restore beside it needs ${facts.size} bytes on the server; PostgreSQL does not tell what is free`,
        },
      ]
    })
  } catch (error) {
    return [asFinding(subject, error, context)]
  }
}

/** No way leads to the server: a backup reads less, and a restore cannot get there. */
async function checkInside(reader: InsideReader, subject: string, context: Context): Promise<readonly Finding[]> {
  const version = await reader.version(context)
  return [
    { level: 'ok', subject: reader.name, message: version },
    { level: 'warning', subject, message: `a backup is ${leftUnproven(reader.name)}`, hint: NO_RESTORE },
  ]
}

const NO_RESTORE = `${OPEN_A_WAY} Until then a restore cannot get there, and holdfast export writes a dump.`

function checkVersion({ serverVersion }: DatabaseFacts): Finding {
  const subject = `server version ${describeVersion(serverVersion)}`
  const major = majorOf(serverVersion)
  if (major >= OLDEST_MAJOR && major <= NEWEST_MAJOR) return { level: 'ok', subject, message: 'supported' }
  return {
    level: 'error',
    subject,
    message: 'not supported',
    hint: `Supported are the majors ${OLDEST_MAJOR} to ${NEWEST_MAJOR}.`,
  }
}

/** Nothing can be written there, so it is no place to restore to. */
async function checkStandby(client: pg.ClientBase, subject: string): Promise<Finding[]> {
  const row = z.object({ standby: z.boolean() })
  const { standby } = await queryOne(client, row, 'select pg_is_in_recovery() as standby')
  if (!standby) return []
  return [
    {
      level: 'warning',
      subject: `${subject}: standby`,
      message: 'is a standby: backups work, restores into it do not',
      hint: 'For a restore, set host and port to the primary. hot_standby_feedback = on keeps replay from ending a long backup.',
    },
  ]
}

async function checkTools(
  { serverVersion }: DatabaseFacts,
  settings: PostgresSettings,
  context: Context,
): Promise<Finding[]> {
  try {
    const tools = await chooseTools(serverVersion, settings, context)
    return [
      { level: 'ok', subject: 'client tools', message: `${tools.versionText} in ${tools.folder}` },
      floorFinding(tools),
      ...returnFindings(tools, serverVersion),
    ]
  } catch (error) {
    return [asFinding('client tools', error, context)]
  }
}

/** What a point of this database will not hold: said before it is needed. */
async function namedLosses(
  client: pg.ClientBase,
  subject: string,
  { serverVersion }: DatabaseFacts,
  settings: PostgresSettings,
  context: Context,
): Promise<Finding[]> {
  // Without tools nothing is captured, which is said elsewhere.
  const major = await chooseTools(serverVersion, settings, context).then(
    (tools) => tools.major,
    () => NEWEST_MAJOR,
  )
  const sentences = await readNotCaptured(client, major)
  return sentences.map((message) => ({ level: 'warning', subject: `${subject}: not captured`, message }))
}
