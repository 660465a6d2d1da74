import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { TestPostgres } from '../parts/postgres.ts'
import { holdfast } from '../e2e/holdfast.ts'

const PASSWORD = 'correct horse battery staple'
const [BACKUP, RESTORE, SUPERUSER] = ['zoo_backup', 'zoo_restore', 'zoo_superuser']

/** Holdfast as an operator has it: one database, a repository in a folder, and two roles with the least rights. */
export interface HoldfastLab {
  readonly folder: string
  /** Gives what it printed; fails unless it ended with 0. */
  run(...args: readonly string[]): Promise<string>
  close(): Promise<void>
}

export interface HoldfastOptions {
  /** Objects that nobody else can make are restored by a superuser; backups never are made by one. */
  readonly superuserRestores?: boolean
}

/** The roles get exactly what `holdfast grants` prints. */
export async function openHoldfast(
  postgres: TestPostgres,
  database: string,
  { superuserRestores = false }: HoldfastOptions = {},
): Promise<HoldfastLab> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-zoo-'))
  const run = async (...args: readonly string[]): Promise<string> => {
    const ran = await holdfast(folder, args, { HOLDFAST_PASSWORD: PASSWORD, ROLE_PASSWORD: PASSWORD })
    if (ran.code === 0) return ran.out
    throw new Error(`holdfast ${args.join(' ')} ended with ${ran.code}:\n${ran.out}${ran.error}`)
  }
  await writeFile(join(folder, 'holdfast.yaml'), configOf(folder, postgres, database, superuserRestores), {
    mode: 0o600,
  })
  await run('init', '--identity-file', join(folder, 'identity.txt'))
  await makeRole(postgres, BACKUP)
  await makeRole(postgres, superuserRestores ? SUPERUSER : RESTORE, superuserRestores ? 'superuser' : '')
  for (const purpose of ['backup', 'restore']) await postgres.sql(database, await run('grants', purpose))
  return { folder, run, close: () => rm(folder, { recursive: true, force: true }) }
}

function configOf(folder: string, { server }: TestPostgres, database: string, superuser: boolean): string {
  const { host, port } = server
  const restoreUser = superuser ? SUPERUSER : RESTORE
  const roles = { user: BACKUP, password: 'env:ROLE_PASSWORD', restoreUser, restorePassword: 'env:ROLE_PASSWORD' }
  return stringify({
    version: 1,
    state: join(folder, 'state'),
    signingKey: `file:${join(folder, 'signing.key')}`,
    identity: `file:${join(folder, 'identity.txt')}`,
    signers: [],
    repositories: { main: { url: `file://${join(folder, 'repository')}`, recipients: [] } },
    apps: {
      zoo: { repositories: ['main'], components: { database: { kind: 'postgres', host, port, database, ...roles } } },
    },
  })
}

async function makeRole(postgres: TestPostgres, role: string, options = ''): Promise<void> {
  const there = await postgres.sql('postgres', 'select from pg_roles where rolname = $1', [role])
  if (there.length === 0) await postgres.sql('postgres', `create role ${role} login ${options} password '${PASSWORD}'`)
}
