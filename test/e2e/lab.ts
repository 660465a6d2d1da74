import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { parse, stringify } from 'yaml'
import { Secret } from '../../src/core/secret.ts'
import { startPrivate, type TestPostgres } from '../parts/postgres.ts'
import { holdfast, start, type Ran, type Started } from './holdfast.ts'

/** An operator's machine with one small app: a database `portal`, a folder of keys, and a repository in a folder. */
export interface Lab {
  readonly folder: string
  readonly postgres: TestPostgres
  readonly repository: string
  readonly files: string
  /** What is in the environment of every command. */
  readonly environment: Readonly<Record<string, string>>
  run(...args: readonly string[]): Promise<Ran>
  /** Like `run` with environment variables added or changed. */
  runWith(environment: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ran>
  start(...args: readonly string[]): Started
  startWith(environment: Readonly<Record<string, string>>, ...args: readonly string[]): Started
  /** Runs with --json and gives the document; fails when the exit code is not the expected one. */
  json<Document = Record<string, unknown>>(args: readonly string[], code?: number): Promise<Document>
  sql(text: string): Promise<Record<string, unknown>[]>
  /** Writes holdfast.yaml anew with changed parts. */
  configure(change?: LabConfig): Promise<void>
  /** Edits holdfast.yaml as it is, with the keys that init entered. */
  edit(change: (config: ConfigFile) => void): Promise<void>
}

/** What holdfast.yaml holds, as tests change it. */
export interface ConfigFile {
  identity?: string
  signingKey?: string
  state?: string
  signers: string[]
  repositories: Record<string, Record<string, unknown>>
  apps: Record<
    string,
    { repositories: string[]; retention?: Record<string, unknown>; components: Record<string, Record<string, unknown>> }
  >
}

export interface LabConfig {
  readonly repositories?: Readonly<Record<string, Record<string, unknown>>>
  readonly database?: Readonly<Record<string, unknown>>
  readonly components?: Readonly<Record<string, unknown>>
  readonly app?: Readonly<Record<string, unknown>>
}

export const PASSWORD = 'correct horse battery staple'

const SCHEMA = `
  create type status as enum ('new', 'active', 'gone');
  create table users (id bigint generated always as identity primary key, email text not null unique, state status not null default 'new', profile jsonb, secret bytea);
  create table sessions (id uuid primary key, user_id bigint not null references users, seen timestamptz not null default now());
  create index sessions_by_user on sessions (user_id);
  create view active_users as select id, email from users where state = 'active';
  create table job_history (id serial primary key, what text not null);
  insert into users (email, state, profile, secret) select 'user' || n || '@example.org', 'active', jsonb_build_object('n', n), decode(md5(n::text), 'hex') from generate_series(1, 2000) n;
  insert into sessions (id, user_id) select gen_random_uuid(), n from generate_series(1, 2000) n;
  insert into job_history (what) values ('first');
  select lo_from_bytea(0, decode(repeat('ab', 5000), 'hex'));
  create role portal_reader nologin;
  grant select on users to portal_reader;
`

export async function startLab(): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-lab-'))
  const postgres = await startPrivate()
  await postgres.createDatabase('portal')
  await postgres.sql('portal', `set search_path = public; ${SCHEMA}`)
  await makeFiles(join(folder, 'keys'))
  after(() => rm(folder, { recursive: true, force: true }))
  const lab = labIn(folder, postgres)
  await lab.configure()
  return lab
}

/**
 * A copy of a lab on the same server: a folder of its own with repository, state, keys and configuration, so that a test can
 * damage them. The database is the same one.
 */
export async function forkLab(lab: Lab): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-lab-'))
  after(() => rm(folder, { recursive: true, force: true }))
  await cp(lab.folder, folder, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
  const config = join(folder, 'holdfast.yaml')
  await writeFile(config, (await readFile(config, 'utf8')).replaceAll(lab.folder, folder))
  return labIn(folder, lab.postgres)
}

function labIn(folder: string, postgres: TestPostgres): Lab {
  const files = join(folder, 'keys')
  const repository = join(folder, 'repository')
  const environment = {
    DATABASE_PASSWORD: postgres.server.password instanceof Secret ? postgres.server.password.reveal() : '',
    HOLDFAST_PASSWORD: PASSWORD,
  }
  const run: Lab['run'] = (...args) => holdfast(folder, args, environment)
  return {
    folder,
    postgres,
    repository,
    files,
    environment,
    run,
    runWith: (added, ...args) => holdfast(folder, args, { ...environment, ...added }),
    start: (...args) => start(folder, args, environment),
    startWith: (added, ...args) => start(folder, args, { ...environment, ...added }),
    json: async <Document>(args: readonly string[], code = 0) =>
      documentOf(args, await run(...args, '--json'), code) as Document,
    sql: (text) => postgres.sql('portal', `set search_path = public; ${text}`),
    configure: (change = {}) => writeConfig({ folder, files, repository, postgres }, change),
    edit: (change) => editConfig(join(folder, 'holdfast.yaml'), change),
  }
}

export async function editConfig(path: string, change: (config: ConfigFile) => void): Promise<void> {
  // The file was written by writeConfig and holdfast init.
  const config = parse(await readFile(path, 'utf8')) as ConfigFile
  change(config)
  await writeFile(path, stringify(config))
}

/** A lab whose repository and keys are made. */
export async function startReadyLab(change: LabConfig = {}): Promise<Lab> {
  const lab = await startLab()
  await lab.configure(change)
  const ran = await lab.run('init', '--identity-file', join(lab.folder, 'etc', 'identity.txt'))
  if (ran.code !== 0) throw new Error(`init failed with ${ran.code}: ${ran.error}`)
  return lab
}

function documentOf(args: readonly string[], ran: Ran, code: number): unknown {
  if (ran.code !== code)
    throw new Error(`holdfast ${args.join(' ')} ended with ${ran.code} and not ${code}:\n${ran.out}\n${ran.error}`)
  // The caller names the documented shape of what it asked for.
  return JSON.parse(ran.out)
}

async function makeFiles(folder: string): Promise<void> {
  await mkdir(join(folder, 'tls'), { recursive: true })
  await writeFile(join(folder, 'master.key'), 'k'.repeat(32), { mode: 0o600 })
  await writeFile(join(folder, 'tls', 'server.pem'), 'certificate', { mode: 0o640 })
  await chmod(join(folder, 'tls', 'server.pem'), 0o640)
  await symlink('tls/server.pem', join(folder, 'current.pem'))
}

async function writeConfig(
  lab: { folder: string; files: string; repository: string; postgres: TestPostgres },
  change: LabConfig,
): Promise<void> {
  const { server } = lab.postgres
  const config = {
    version: 1,
    state: join(lab.folder, 'state'),
    signingKey: `file:${join(lab.folder, 'etc', 'signing.key')}`,
    identity: `file:${join(lab.folder, 'etc', 'identity.txt')}`,
    signers: [],
    repositories: change.repositories ?? { main: { url: `file://${lab.repository}`, recipients: [] } },
    apps: {
      portal: {
        repositories: Object.keys(change.repositories ?? { main: {} }),
        components: change.components ?? {
          database: {
            kind: 'postgres',
            host: server.host,
            port: server.port,
            user: server.user,
            password: 'env:DATABASE_PASSWORD',
            database: 'portal',
            ...change.database,
          },
          files: { kind: 'files', path: lab.files },
        },
        ...change.app,
      },
    },
  }
  await writeFile(join(lab.folder, 'holdfast.yaml'), stringify(config), { mode: 0o600 })
}
