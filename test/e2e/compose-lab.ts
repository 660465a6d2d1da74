import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { findContainer } from '../../src/platforms/compose/find.ts'
import { composeReach, composeSettings } from '../../src/platforms/compose/schema.ts'
import { startDocker, type ComposeFile, type TestProject } from '../parts/docker.ts'
import { POSTGRES_IMAGE } from '../parts/docker/images.ts'
import { testContext } from '../parts/postgres.ts'
import {
  databaseIn,
  makeContainerApp,
  programsIn,
  SCHEMA,
  strangersIn,
  writerOf,
  type ContainerApp,
} from './container-app.ts'

/** An app in a compose project: a database that only containers reach, and a writer that never stops. */
export interface ComposeLab extends ContainerApp {
  readonly project: TestProject
  /** Runs a statement inside the database's container; gives its text. */
  sql(text: string): Promise<string>
  /** The command lines of all processes in the database's container, PostgreSQL's own left out. */
  strangers(): Promise<readonly string[]>
  /** Fails unless both containers run, and no other is there. */
  assertAsRecorded(): Promise<void>
  /** What the server logged. */
  log(): Promise<string>
}

const DATABASE = `mkdir -p /data && chown postgres /data && echo "$POSTGRES_PASSWORD" > /pw && chown postgres /pw
[ -e /data/PG_VERSION ] || runuser -u postgres -- env PATH="$PATH" initdb -D /data -U portal --auth scram-sha-256 --pwfile /pw --no-sync >/dev/null
exec runuser -u postgres -- env PATH="$PATH" postgres -D /data -c listen_addresses=* -c fsync=off -c unix_socket_directories=/tmp`
const HBA = 'host all all all scram-sha-256'

const environment = { POSTGRES_PASSWORD: 'a password of the container' }
const file: ComposeFile = {
  services: {
    database: {
      image: POSTGRES_IMAGE,
      environment,
      command: ['bash', '-c', DATABASE],
      volumes: ['data:/data'],
      healthcheck: { test: ['CMD', 'pg_isready', '-h', '127.0.0.1'], interval: '2s', retries: 60, timeout: '5s' },
    },
    writer: {
      image: POSTGRES_IMAGE,
      environment,
      command: ['bash', '-c', writerOf('database')],
      depends_on: { database: { condition: 'service_healthy' } },
    },
  },
  volumes: { data: {} },
}

export async function startComposeLab(): Promise<ComposeLab> {
  const docker = await startDocker()
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-compose-'))
  after(() => rm(folder, { recursive: true, force: true }))
  const project = await docker.project(file)
  const platform = { kind: 'compose', project: project.name, engine: `unix://${docker.socket}`, services: ['writer'] }
  const reach = { kind: 'compose', service: 'database' }
  const inside = programsIn(
    await findContainer(composeSettings.parse(platform), composeReach.parse(reach), testContext()),
  )
  const password = `PGPASSWORD=${environment.POSTGRES_PASSWORD}`
  const sqlIn = (database: string, text: string): Promise<string> =>
    inside('env', password, 'psql', '-qAt', '-h', '/tmp', '-U', 'portal', '-d', database, '-c', text)
  await inside('bash', '-c', `echo '${HBA}' >> /data/pg_hba.conf`)
  await sqlIn('postgres', 'select pg_reload_conf()')
  await sqlIn('postgres', 'create database portal')
  await sqlIn('portal', SCHEMA)
  const app = await makeContainerApp(folder, { platform, components: databaseIn(reach) })
  return {
    ...app,
    project,
    sql: async (text) => (await sqlIn('portal', text)).trim(),
    strangers: async () => strangersIn(await inside('ps', '-eo', 'args=')),
    async assertAsRecorded() {
      assert.deepEqual(await project.states(), { 'database-1': 'running', 'writer-1': 'running' })
      const filters = JSON.stringify({ label: [`holdfast.throw-away=${project.name}`] })
      assert.deepEqual(await docker.must('GET', `/containers/json?all=1&filters=${encodeURIComponent(filters)}`), [])
    },
    log: () => project.compose('logs', '--no-log-prefix', 'database'),
  }
}
