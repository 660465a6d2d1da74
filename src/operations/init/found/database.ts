import type { Context } from '../../../core/ports.ts'
import { anyPostgres } from '../../../profiles/clues.ts'
import type { Profile } from '../../../profiles/profile.ts'
import type { Place } from '../../../platforms/place.ts'
import type { Thing } from '../../../platforms/surroundings.ts'
import type { Found } from './draft.ts'
import { isImage } from './match.ts'

/** The variables by which images of PostgreSQL are told who may log in. */
interface LoginVariables {
  readonly user: string
  readonly password: string
  readonly databases: readonly string[]
}

const LOGINS: readonly LoginVariables[] = [
  // Spilo, of Zalando's operator.
  { user: 'PGUSER_SUPERUSER', password: 'PGPASSWORD_SUPERUSER', databases: [] },
  // The official image, and newer ones of Bitnami.
  { user: 'POSTGRES_USER', password: 'POSTGRES_PASSWORD', databases: ['POSTGRES_DB', 'POSTGRES_DATABASE'] },
  { user: 'POSTGRESQL_USERNAME', password: 'POSTGRESQL_PASSWORD', databases: ['POSTGRESQL_DATABASE'] },
]
const USUAL: LoginVariables = LOGINS[1] ?? { user: '', password: '', databases: [] }
const SUPERUSER = 'postgres'
/** Bitnami: of the superuser, where the app has a role of its own. */
const SUPERUSER_PASSWORD = 'POSTGRES_POSTGRES_PASSWORD'

type Read = (name: string) => Promise<string | undefined>

/** The container of the server, where its pod has several. */
export function reachOf({ reach = {}, containers }: Thing): Readonly<Record<string, unknown>> {
  const servers = containers.filter(({ image }) => isImage(anyPostgres.images, image))
  const [server, ...more] = servers
  const isClear = containers.length < 2 || server === undefined || more.length > 0 || reach['cluster'] !== undefined
  return isClear || reach['kind'] !== 'kubernetes' ? reach : { ...reach, container: server.name }
}

/** A component for each database of the server, with the login that its container has. */
export async function databaseComponents(
  { name: app, shape }: Profile,
  thing: Thing,
  place: Place,
  context: Context,
): Promise<Found> {
  const has = (name: string): boolean => [name, `${name}_FILE`].some((one) => thing.variables[one] !== undefined)
  const read: Read = async (name) => (has(name) ? await place.variable(name, context) : undefined)
  const variables = LOGINS.find(({ password }) => has(password)) ?? USUAL
  const login = await loginOf(variables, read)
  const names = await namesOf(thing, variables, shape.database.name ?? login.user, read)
  const { checks } = shape.database
  const settings = {
    kind: 'postgres',
    reach: reachOf(thing),
    ...login,
    ...(checks.length === 0 ? {} : { checks: checks.map((check) => ({ ...check, expect: true })) }),
  }
  const isOnly = names.length === 1
  return {
    components: Object.fromEntries(
      names.map((database) => [isOnly ? 'database' : componentName(database), { ...settings, database }]),
    ),
    ...(login.password === undefined && (await read('POSTGRES_HOST_AUTH_METHOD')) !== 'trust'
      ? { undecided: [noPassword(app, variables)] }
      : {}),
  }
}

async function loginOf(
  { user, password }: LoginVariables,
  read: Read,
): Promise<{ readonly user: string; readonly password?: string }> {
  const role = (await read(user)) ?? SUPERUSER
  const isEmpty = ((await read(password)) ?? '') === ''
  const isApart = role !== SUPERUSER && ((await read(SUPERUSER_PASSWORD)) ?? '') !== ''
  return {
    user: role,
    ...(isEmpty ? {} : { password: `inside:${password}` }),
    ...(isApart ? { restoreUser: SUPERUSER, restorePassword: `inside:${SUPERUSER_PASSWORD}` } : {}),
  }
}

async function namesOf(
  { databases }: Thing,
  variables: LoginVariables,
  otherwise: string,
  read: Read,
): Promise<readonly string[]> {
  if (databases.length > 0) return databases
  for (const name of variables.databases) {
    const value = await read(name)
    if (value !== undefined && value !== '') return [value]
  }
  return [otherwise]
}

function componentName(database: string): string {
  return `database-${database.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-')}`.slice(0, 63)
}

function noPassword(app: string, { password }: LoginVariables) {
  return {
    what: `the password of the database of ${app}`,
    why: `its container has no variable ${password}; add password to the component, unless the server asks for none`,
  }
}
