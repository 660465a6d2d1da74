import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { BUSYBOX_IMAGE, POSTGRES_IMAGE } from '../parts/docker/images.ts'
import { startDocker, type TestProject } from '../parts/docker.ts'

type Environment = Readonly<Record<string, string>>

/** A compose project for a stand-in of an app, and an empty folder for the configuration. */
export interface ComposeApp {
  readonly project: TestProject
  readonly engine: string
  readonly folder: string
}

const DATABASE = `mkdir -p /data && chown postgres /data && printf %s "$POSTGRES_PASSWORD" > /pw && chown postgres /pw
as() { runuser -u postgres -- env PATH="$PATH" "$@"; }
as initdb -D /data -U "$POSTGRES_USER" --auth-local trust --auth-host scram-sha-256 --pwfile /pw --no-sync >/dev/null
echo 'host all all all scram-sha-256' >> /data/pg_hba.conf
exec runuser -u postgres -- env PATH="$PATH" postgres -D /data -c listen_addresses=* -c fsync=off -c unix_socket_directories=/tmp`

/** A real PostgreSQL with the variables of the official image. */
export function databaseService(environment: Environment): object {
  return {
    image: POSTGRES_IMAGE,
    environment,
    command: ['bash', '-c', DATABASE],
    volumes: ['database:/data'],
    healthcheck: { test: ['CMD', 'pg_isready', '-h', '127.0.0.1'], interval: '300ms', retries: 200, timeout: '5s' },
  }
}

/** A program of the app that does nothing. */
export function program(environment: Environment, more: object = {}): object {
  return { image: BUSYBOX_IMAGE, environment, command: ['sleep', '1000000'], ...more }
}

/** Starts it and fills the database of this service. */
export async function startComposeApp(
  services: Readonly<Record<string, object>>,
  database: { readonly service: string; readonly user: string; readonly name: string; readonly sql: string },
): Promise<ComposeApp> {
  const docker = await startDocker()
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-app-'))
  after(() => rm(folder, { recursive: true, force: true }))
  const project = await docker.project({ services, volumes: { database: {}, media: {} } })
  const inside = ['exec', '-T', database.service, 'psql', '-qAt', '-v', 'ON_ERROR_STOP=1', '-h', '/tmp']
  const psql = (name: string, text: string): Promise<string> =>
    project.compose(...inside, '-U', database.user, '-d', name, '-c', text)
  await psql('postgres', `create database ${database.name}`)
  await psql(database.name, database.sql)
  return { project, engine: `unix://${docker.socket}`, folder }
}
