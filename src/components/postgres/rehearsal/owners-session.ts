import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import { Secret } from '../../../core/secret.ts'
import { randomHex } from '../../../system/random.ts'
import { identifier, literal, withSession } from '../connection/connection.ts'
import { query } from '../connection/query.ts'
import type { LoadTarget } from '../restore/load/load.ts'

const ROLE = 'holdfast_rehearsal'
const ORDINARY = `select rolname::text as name from pg_catalog.pg_roles where not rolsuper and rolname !~ '^pg_'`

/**
 * A session on the throw-away server that may act as each owner and as nobody else: what an owner's code takes on, by
 * RESET ROLE too, is no right of a superuser's.
 */
export async function withOwnersSession<Result>(
  { server, database }: Pick<LoadTarget, 'server' | 'database'>,
  superuser: pg.Client,
  act: (session: pg.Client) => Promise<Result>,
  context: Context,
): Promise<Result> {
  const password = new Secret(randomHex(24))
  const owners = await query(superuser, z.object({ name: z.string() }), ORDINARY)
  const members = owners.length === 0 ? '' : ` in role ${owners.map(({ name }) => identifier(name)).join(', ')}`
  await superuser.query(`create role ${ROLE} login password ${literal(password.reveal())}${members}`)
  return withSession({ ...server, user: ROLE, password }, database, context, act)
}
