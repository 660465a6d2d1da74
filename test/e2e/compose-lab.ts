import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { stringify } from 'yaml'
import { startDocker, type ComposeFile, type TestProject } from '../parts/docker.ts'
import { POSTGRES_IMAGE } from '../parts/docker/images.ts'
import { holdfast, start, type Ran, type Started } from './holdfast.ts'
import { editConfig, PASSWORD } from './lab.ts'

/** An app in a compose project: a database that only containers reach, and a writer that never stops. */
export interface ComposeLab {
  readonly folder: string
  readonly project: TestProject
  run(...args: readonly string[]): Promise<Ran>
  start(...args: readonly string[]): Started
  /** Runs a statement inside the database's container; gives its text. */
  sql(text: string): Promise<string>
  /** The command lines of all processes in the database's container, PostgreSQL's own left out. */
  strangers(): Promise<readonly string[]>
  /** Fails unless both containers run, and no other is there. */
  assertAsRecorded(): Promise<void>
  /** What the server logged. It is process 1 of its container, so it takes every process that is left there for one of its own. */
  log(): Promise<string>
  /** Changes settings of the database. */
  change(settings: Readonly<Record<string, unknown>>): Promise<void>
}

const DATABASE = `mkdir -p /data && chown postgres /data && echo "$POSTGRES_PASSWORD" > /pw && chown postgres /pw
[ -e /data/PG_VERSION ] || runuser -u postgres -- env PATH="$PATH" initdb -D /data -U portal --auth scram-sha-256 --pwfile /pw --no-sync >/dev/null
exec runuser -u postgres -- env PATH="$PATH" postgres -D /data -c listen_addresses=* -c fsync=off -c unix_socket_directories=/tmp`
const HBA = 'host all all all scram-sha-256'
const SCHEMA = `create table keys (id int primary key, secret text); insert into keys select n, md5(n::text) from generate_series(1, 3000) n;
create table written (at timestamptz default clock_timestamp());`
const WRITER = `export PGPASSWORD="$POSTGRES_PASSWORD"
while :; do psql -qAt -h database -U portal -d portal -c 'insert into written default values' || sleep 0.2; done`

const environment = { POSTGRES_PASSWORD: 'a password of the container' }
const file: ComposeFile = {
  services: {
    database: {
      image: POSTGRES_IMAGE,
      environment,
      command: ['bash', '-c', DATABASE],
      volumes: ['data:/data'],
      healthcheck: { test: ['CMD', 'pg_isready', '-h', '127.0.0.1'], interval: '300ms', retries: 60, timeout: '5s' },
    },
    writer: {
      image: POSTGRES_IMAGE,
      environment,
      command: ['bash', '-c', WRITER],
      depends_on: { database: { condition: 'service_healthy' } },
    },
  },
  volumes: { data: {} },
}

export async function startComposeLab(): Promise<ComposeLab> {
  const docker = await startDocker()
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-compose-'))
  after(() => rm(folder, { recursive: true, force: true }))
  const config = join(folder, 'holdfast.yaml')
  const project = await docker.project(file)
  const inside = (...argv: readonly string[]): Promise<string> => project.compose('exec', '-T', 'database', ...argv)
  const sqlIn = (database: string, text: string): Promise<string> =>
    inside(
      'env',
      `PGPASSWORD=${environment.POSTGRES_PASSWORD}`,
      'psql',
      '-qAt',
      '-h',
      '/tmp',
      '-U',
      'portal',
      '-d',
      database,
      '-c',
      text,
    )
  await inside('bash', '-c', `echo '${HBA}' >> /data/pg_hba.conf`)
  await sqlIn('postgres', 'select pg_reload_conf()')
  await sqlIn('postgres', 'create database portal')
  await sqlIn('portal', SCHEMA)
  const given = { HOLDFAST_PASSWORD: PASSWORD }
  const lab: ComposeLab = {
    folder,
    project,
    run: (...args) => holdfast(folder, args, given),
    start: (...args) => start(folder, args, given),
    sql: async (text) => (await sqlIn('portal', text)).trim(),
    async strangers() {
      const all = await inside('ps', '-eo', 'args=')
      return all.split('\n').filter((line) => line.trim() !== '' && !/postgres|runuser|^ps |tini/.test(line))
    },
    async assertAsRecorded() {
      assert.deepEqual(await project.states(), { 'database-1': 'running', 'writer-1': 'running' })
      const filters = JSON.stringify({ label: [`holdfast.throw-away=${project.name}`] })
      assert.deepEqual(await docker.must('GET', `/containers/json?all=1&filters=${encodeURIComponent(filters)}`), [])
    },
    log: () => project.compose('logs', '--no-log-prefix', 'database'),
    change: (settings) =>
      editConfig(config, ({ apps }) => Object.assign(apps['portal']?.components['database'] ?? {}, settings)),
  }
  await writeFile(config, configuration(folder, project, docker.socket), { mode: 0o600 })
  const init = await lab.run('init', '--identity-file', join(folder, 'identity.txt'))
  if (init.code !== 0) throw new Error(init.error)
  return lab
}

function configuration(folder: string, { name: project }: TestProject, socket: string): string {
  const login = { database: 'portal', user: 'portal', password: 'inside:POSTGRES_PASSWORD' }
  return stringify({
    version: 1,
    state: join(folder, 'state'),
    signingKey: `file:${join(folder, 'signing.key')}`,
    identity: `file:${join(folder, 'identity.txt')}`,
    signers: [],
    repositories: { local: { url: `file://${join(folder, 'repository')}`, recipients: [] } },
    apps: {
      portal: {
        repositories: ['local'],
        platform: { kind: 'compose', project, engine: `unix://${socket}`, services: ['writer'] },
        components: {
          database: { kind: 'postgres', reach: { kind: 'compose', service: 'database' }, ...login },
        },
      },
    },
  })
}
