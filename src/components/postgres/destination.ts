import { placeOf } from './place-of.ts'
import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { numberText, referenceText, type PlaceRelation, type RestoreDestination } from '../capabilities/destination.ts'
import { postgresSettings, type PostgresSettings } from './schema.ts'

const { host, port, database, user, restoreUser, maintenanceDatabase, tls, tlsCa } = postgresSettings.shape

/** A server makes every database from these; one in their place would be in all that come after. */
const TEMPLATES = ['template0', 'template1']

/** Another database of the same server or of another, with the login that restores there. */
export const postgresDestination: RestoreDestination<PostgresSettings> = {
  settings: z
    .strictObject({
      host: host.unwrap(),
      port: numberText(port.unwrap()),
      database: database.refine((name) => !TEMPLATES.includes(name), 'is what the server makes new databases from'),
      user,
      password: referenceText,
      restoreUser: restoreUser.unwrap(),
      restorePassword: referenceText,
      maintenanceDatabase: maintenanceDatabase.unwrap(),
      tls: tls.unwrap(),
      tlsCa: tlsCa.unwrap(),
    })
    .partial(),
  // Another server is reached by its address.
  without: (given) => (given.includes('host') || given.includes('port') ? ['reach', 'through'] : []),
  relation,
}

/** Databases of other names are not the same; of those with one name the servers say whether they are. */
async function relation(one: PostgresSettings, other: PostgresSettings, context: Context): Promise<PlaceRelation> {
  if (one.database !== other.database) return 'apart'
  if (placeOf(one) === placeOf(other)) return 'same'
  const { serverIdentifier } = await import('./server-identifier.ts')
  const [server, otherServer] = [await serverIdentifier(one, context), await serverIdentifier(other, context)]
  if (server === undefined || otherServer === undefined) throw unknownServer(one, other)
  return server === otherServer ? 'overlapping' : 'apart'
}

function unknownServer(one: PostgresSettings, other: PostgresSettings): Failure {
  return new Failure(
    'refused',
    `nobody can tell whether database ${one.database} on ${placeOf(one)} is the one on ${placeOf(other)}`,
    { hint: 'Both servers have to be reached for that. Or restore into a database of another name.' },
  )
}
