import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { stringify } from 'yaml'
import { Secret } from '../../src/core/secret.ts'
import type { Ran } from '../e2e/holdfast.ts'
import { withClock } from '../e2e/in-process.ts'
import { editConfig } from '../e2e/lab.ts'
import type { TestPostgres } from '../parts/postgres.ts'

const PASSWORD = 'correct horse battery staple'
const ROLES = { user: 'case_backup', restoreUser: 'case_restore' }

/** One server, one repository, and one configuration with an app for each case, so that a case costs no more than its commands. */
export interface CasesLab {
  readonly folder: string
  run(...args: readonly string[]): Promise<Ran>
  /** Enters an app of this name for the database of this name. */
  add(name: string, leastRights: boolean): Promise<void>
}

export async function openCasesLab(postgres: TestPostgres): Promise<CasesLab> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-cases-'))
  after(() => rm(folder, { recursive: true, force: true }))
  const { password } = postgres.server
  const environment = {
    DATABASE_PASSWORD: password instanceof Secret ? password.reveal() : '',
    ROLE_PASSWORD: PASSWORD,
    HOLDFAST_PASSWORD: PASSWORD,
  }
  await writeFile(join(folder, 'holdfast.yaml'), configIn(folder, postgres), { mode: 0o600 })
  const run: CasesLab['run'] = (...args) => withClock({ folder, environment }, 0, ...args)
  const made = await run('init', '--identity-file', join(folder, 'identity.txt'))
  if (made.code !== 0) throw new Error(`init ended with ${made.code}: ${made.error}`)
  return { folder, run, add: (name, leastRights) => add(folder, postgres, name, leastRights) }
}

function configIn(folder: string, postgres: TestPostgres): string {
  return stringify({
    version: 1,
    state: join(folder, 'state'),
    signingKey: `file:${join(folder, 'signing.key')}`,
    identity: `file:${join(folder, 'identity.txt')}`,
    signers: [],
    repositories: { main: { url: `file://${join(folder, 'repository')}`, recipients: [] } },
    apps: { first: appOf(postgres, 'postgres', false) },
  })
}

function appOf({ server }: TestPostgres, database: string, leastRights: boolean) {
  const { host, port } = server
  const superuser = { user: server.user, password: 'env:DATABASE_PASSWORD' }
  const least = { ...ROLES, password: 'env:ROLE_PASSWORD', restorePassword: 'env:ROLE_PASSWORD' }
  const component = { kind: 'postgres', host, port, database, ...(leastRights ? least : superuser) }
  return { repositories: ['main'], components: { database: component } }
}

async function add(folder: string, postgres: TestPostgres, name: string, leastRights: boolean): Promise<void> {
  await editConfig(join(folder, 'holdfast.yaml'), (config) => {
    config.apps = { [name]: appOf(postgres, name, leastRights) }
  })
  if (!leastRights) return
  for (const role of Object.values(ROLES)) await makeRole(postgres, role)
}

async function makeRole(postgres: TestPostgres, role: string): Promise<void> {
  const there = await postgres.sql('postgres', 'select from pg_roles where rolname = $1', [role])
  if (there.length === 0) await postgres.sql('postgres', `create role ${role} login password '${PASSWORD}'`)
}
