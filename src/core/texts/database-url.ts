import { Secret } from '../secret.ts'

/** What a URL such as `postgres://user:password@host:5432/database?sslmode=require` says; what it leaves out is absent. */
export interface DatabaseUrl {
  readonly host?: string
  readonly port?: number
  readonly user?: string
  readonly database?: string
  readonly tls?: 'require' | 'verify-full'
  readonly password?: Secret
}

/** With the driver behind a plus sign, as SQLAlchemy has it. */
const SCHEME = /^postgres(?:ql)?(?:\+[a-z0-9]+)?:\/\//i
const TLS: Readonly<Record<string, NonNullable<DatabaseUrl['tls']>>> = {
  require: 'require',
  'verify-ca': 'verify-full',
  'verify-full': 'verify-full',
}

const NO_HOST = 'no-host.invalid'

/** Undefined for what is no URL of a PostgreSQL database. */
export function parseDatabaseUrl(text: string): DatabaseUrl | undefined {
  if (!SCHEME.test(text)) return undefined
  try {
    // The class takes no name of a user without one of a host.
    return partsOf(new URL(text.replace(SCHEME, 'postgres://').replace(/@(?=\/|$)/, `@${NO_HOST}`)))
  } catch {
    return undefined
  }
}

function partsOf({ hostname, port, username, password, pathname, searchParams }: URL): DatabaseUrl {
  // A socket's folder is written as a parameter, or as a host with its slashes escaped.
  const host = searchParams.get('host') ?? decodeURIComponent(hostname).replace(/^\[(.*)\]$/, '$1')
  const user = searchParams.get('user') ?? decodeURIComponent(username)
  const database = searchParams.get('dbname') ?? decodeURIComponent(pathname.slice(1))
  const tls = TLS[searchParams.get('sslmode') ?? '']
  const secret = searchParams.get('password') ?? decodeURIComponent(password)
  const number = Number(searchParams.get('port') ?? port)
  return {
    ...(host === '' || host === NO_HOST ? {} : { host }),
    ...(number > 0 ? { port: number } : {}),
    ...(user === '' ? {} : { user }),
    ...(database === '' ? {} : { database }),
    ...(tls === undefined ? {} : { tls }),
    ...(secret === '' ? {} : { password: new Secret(secret) }),
  }
}
