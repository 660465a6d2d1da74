import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import { Secret } from '../../../core/secret.ts'
import { freePort } from '../../../system/free-port.ts'
import { randomHex } from '../../../system/random.ts'
import { identifier } from '../connection/connection.ts'
import { ownPassword } from '../roles/own-password.ts'
import { query } from '../connection/query.ts'
import { passwordStatement } from '../roles/role-passwords.ts'
import { scramVerifier } from '../roles/scram-verifier.ts'
import { SUPERUSER } from './server-folder.ts'
import { change, withAdmin } from '../restore/target/database-target.ts'
import type { DatabaseTarget } from '../restore/target/database-target.ts'

const LOOPBACK = '127.0.0.1'
/** Where a role of the app is our own superuser, whose password is not given away. */
const STAND_IN = 'holdfast_app'
const ACCESS = `# Written by Holdfast: whoever has a password, from this machine alone.
local all all scram-sha-256
host  all all ${LOOPBACK}/32 scram-sha-256
`

/** How an application reaches a throw-away server. */
export interface Listening {
  readonly port: number
  readonly settings: Readonly<Record<string, string>>
  /** With a password that is nowhere else. */
  readonly url: Secret
}

/** Makes a password for the app's own role and lets it in over the loopback, once the server is started with `settings`. */
export async function letIn(place: DatabaseTarget, folder: string, context: Context): Promise<Listening> {
  const [port, password, database] = [await freePort(), new Secret(randomHex(24)), place.names.side]
  const role = await withAdmin(place, context, (admin) => giveLogin(admin, place, password, context))
  await context.effects.run('let applications in', () => writeFile(join(folder, 'data', 'pg_hba.conf'), ACCESS))
  const login = `${encodeURIComponent(role)}:${password.reveal()}`
  return {
    port,
    settings: { listen_addresses: LOOPBACK, port: String(port) },
    url: new Secret(`postgres://${login}@${LOOPBACK}:${port}/${encodeURIComponent(database)}?sslmode=disable`),
  }
}

async function giveLogin(admin: pg.Client, place: DatabaseTarget, password: Secret, context: Context): Promise<string> {
  const role = await roleOfApp(admin, place)
  const name = role === SUPERUSER ? STAND_IN : role
  if (role === SUPERUSER) await change(admin, 'CREATE ROLE', `create role ${identifier(name)} superuser`, context)
  const statement = `${passwordStatement(name, scramVerifier(password))} login valid until 'infinity'`
  await change(admin, 'ALTER ROLE PASSWORD', statement, context)
  return name
}

const ROLES = `select name from (select rolname::text as name, 1 as rank from pg_roles where rolname = any ($2)
  union all select pg_get_userbyid(datdba)::text, 2 from pg_database where datname = $1) found order by rank`

/** As which the app logs in, where its own file says so and the point has that role; else the owner of the database. */
async function roleOfApp(admin: pg.Client, { names, settings }: DatabaseTarget): Promise<string> {
  const wanted = [...ownPassword(settings).keys()]
  const [first] = await query(admin, z.object({ name: z.string() }), ROLES, [names.side, wanted])
  return first?.name ?? SUPERUSER
}
