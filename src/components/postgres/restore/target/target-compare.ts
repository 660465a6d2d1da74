import type pg from 'pg'
import type { Context } from '../../../../core/ports.ts'
import type { Difference } from '../../../../core/restore-point.ts'
import { allOrNone } from '../../fingerprint/all-or-none.ts'
import type { DatabaseProperties } from '../staged/carry-over.ts'
import { connect } from '../../connection/connection.ts'
import { readDefinitions } from '../../fingerprint/definitions.ts'
import { readDepends } from '../../fingerprint/depends.ts'
import { withDiffs } from '../../fingerprint/definition-diffs.ts'
import { compareFingerprints, wordedOtherwise } from '../../fingerprint/fingerprint-compare.ts'
import { readCounts, readFingerprint } from '../../fingerprint/fingerprint.ts'
import type { LoadTarget } from '../load/load.ts'
import type { Reference } from '../../reference/reference.ts'
import type { Fingerprint, PostgresDetails } from '../../schema.ts'
import { HASHING } from '../../fingerprint/table-hash.ts'
import { majorOf } from '../../versions.ts'

/**
 * Reads all of a loaded database again and compares it with what was captured. Nobody may write to it meanwhile. Where the
 * text of a definition is another, `reference` tells what the captured one would be there.
 */
export async function compareLoaded(
  place: LoadTarget,
  serverVersion: number,
  details: PostgresDetails,
  context: Context,
  reference?: Reference,
): Promise<Difference[]> {
  const expected = details.fingerprint
  const found = await readLoaded(place, expected, context)
  const others = wordedOtherwise(expected, found)
  const worded = others.size > 0 ? await reference?.worded(others, context) : undefined
  const sameDefinitions = sameWording(place, serverVersion, expected, details.serverVersion)
  const differences = compareFingerprints(expected, found, { sameDefinitions, reference: worded })
  return withDiffs(differences, { place, worded, reference }, context)
}

async function readLoaded(place: LoadTarget, expected: Fingerprint, context: Context): Promise<Fingerprint> {
  const { tools, server, database, limits } = place
  const [objects, content] = await allOrNone(context, [
    (inner) => readDefinitions({ tools, server, database, limits }, inner),
    (inner) =>
      withSessions(place, inner, async (sessions) =>
        expected.counted === true
          ? (await readCounts(sessions, new Map(), tools.major, inner, expected))()
          : readFingerprint(sessions, [], tools.major, inner, expected),
      ),
  ])
  const depends = await withSessions({ ...place, jobs: 1 }, context, ([session]) => readDepends(session, objects))
  return { ...content, objects, depends }
}

/**
 * The content of a loaded database as a text that is equal for equal content, where the backup left it to drills. What
 * `compareLoaded` compares already is not in it.
 */
export async function readLoadedContent(
  place: LoadTarget,
  { fingerprint }: PostgresDetails,
  context: Context,
): Promise<string | undefined> {
  // What drills kept of such a point was hashed in another way.
  if (fingerprint.counted !== true || fingerprint.hashing !== HASHING) return undefined
  const { tables, largeObjects } = await withSessions(place, context, (sessions) =>
    readFingerprint(sessions, [], place.tools.major, context, fingerprint),
  )
  return JSON.stringify([
    tables.map(({ name, rows, hash }) => [name, rows, hash]),
    largeObjects.map(({ oid, size, hash }) => [oid, size, hash]),
  ])
}

/** Both pg_dump and the server have a part in how a definition is worded. */
function sameWording(
  { tools }: LoadTarget,
  serverVersion: number,
  { definitionsBy }: Fingerprint,
  capturedFrom: number,
): boolean {
  return tools.major === definitionsBy && majorOf(serverVersion) === majorOf(capturedFrom)
}

/** Without writers, transactions that begin one after the other see the same. */
async function withSessions<Result>(
  { server, database, jobs }: LoadTarget,
  context: Context,
  act: (sessions: readonly [pg.Client, ...pg.Client[]]) => Promise<Result>,
): Promise<Result> {
  const sessions: pg.Client[] = []
  const begin = async (): Promise<pg.Client> => {
    const session = await connect(server, database, context)
    sessions.push(session)
    await session.query('begin isolation level repeatable read read only')
    return session
  }
  try {
    const first = await begin()
    for (let n = 1; n < jobs; n++) await begin()
    return await act([first, ...sessions.slice(1)])
  } finally {
    await Promise.all(sessions.map((session) => session.end().catch(() => {})))
  }
}

/** What hangs on the database itself, where there is no live database whose properties count instead. */
export function compareProperties(expected: DatabaseProperties, found: DatabaseProperties): Difference[] {
  const grants = ({ grants }: DatabaseProperties): string =>
    lines(
      grants.map((one) => `${one.privilege} to ${one.grantee ?? 'PUBLIC'}${one.grantable ? ' with grant option' : ''}`),
    )
  const settings = ({ settings, roleSettings }: DatabaseProperties): string =>
    lines([
      ...settings.map(({ name, value }) => `${name}=${value}`),
      ...roleSettings.map(({ role, name, value }) => `${name}=${value} for ${role}`),
    ])
  const labels = ({ securityLabels }: DatabaseProperties): string =>
    lines(securityLabels.map(({ provider, label }) => `${provider}: ${label}`))
  const pairs: readonly (readonly [string, string, string])[] = [
    ['owner of the database', expected.owner, found.owner],
    ['connection limit of the database', String(expected.connectionLimit), String(found.connectionLimit)],
    ['grants on the database', grants(expected), grants(found)],
    ['security labels of the database', labels(expected), labels(found)],
    ['settings of the database', settings(expected), settings(found)],
  ]
  return pairs
    .filter(([, one, other]) => one !== other)
    .map(([subject, one, other]) => ({ subject, expected: one, found: other }))
}

function lines(texts: readonly string[]): string {
  return texts.toSorted().join('; ')
}
