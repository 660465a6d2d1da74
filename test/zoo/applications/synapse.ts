import type { Application, Request, Served } from '../application.ts'

const SERVER = 'http://127.0.0.1:8008'
const CLIENT = `${SERVER}/_matrix/client/v3`
const as = (name: string): { headers: { authorization: string } } => ({ headers: { authorization: `Bearer $${name}` } })

function register(username: string): Request {
  const body = { username, password: 'a-password-of-a-test', auth: { type: 'm.login.dummy' } }
  return { method: 'POST', url: `${CLIENT}/register`, body, keep: { [username]: 'access_token' } }
}

function say(who: string, n: number): Request {
  const url = `${CLIENT}/rooms/$room/send/m.room.message/${who}${n}`
  return { method: 'PUT', url, body: { msgtype: 'm.text', body: `message ${n} of ${who} ☃` }, ...as(who) }
}

const talk: readonly Request[] = [
  register('alice'),
  register('bob'),
  {
    method: 'POST',
    url: `${CLIENT}/createRoom`,
    body: { name: 'Zoo', preset: 'public_chat' },
    ...as('alice'),
    keep: { room: 'room_id' },
  },
  { method: 'POST', url: `${CLIENT}/join/$room`, body: {}, ...as('bob') },
  ...[1, 2, 3, 4, 5].flatMap((n) => [say('alice', n), say('bob', n)]),
]

const served = (requests: readonly Request[]): Served => ({
  serve: ['python', '-m', 'synapse.app.homeserver', '--config-path', 'homeserver.yaml'],
  ready: `${SERVER}/health`,
  requests,
})

export const synapse: Application = {
  name: 'Matrix Synapse',
  version: '1.163.2',
  small: true,
  packages: {
    registry: 'pypi',
    python: ['3.11', '3.12', '3.13'],
    wanted: ['matrix-synapse[postgres]==1.163.2', 'psycopg2-binary==2.9.13'],
  },
  needs: { locale: 'C' },
  life: ({ folder, database }) => ({
    environment: {},
    files: {
      'homeserver.yaml': JSON.stringify({
        server_name: 'zoo.example.org',
        report_stats: false,
        trusted_key_servers: [],
        enable_registration: true,
        enable_registration_without_verification: true,
        macaroon_secret_key: 'a-key-of-a-test',
        form_secret: 'a-secret-of-a-test',
        signing_key_path: `${folder}/signing.key`,
        media_store_path: `${folder}/media`,
        pid_file: `${folder}/synapse.pid`,
        log_config: `${folder}/log.yaml`,
        listeners: [{ port: 8008, bind_addresses: ['127.0.0.1'], type: 'http', resources: [{ names: ['client'] }] }],
        database: {
          name: 'psycopg2',
          args: {
            user: database.user,
            password: database.password,
            dbname: database.name,
            host: database.host,
            port: database.port,
          },
        },
        rc_registration: { per_second: 1000, burst_count: 1000 },
        rc_message: { per_second: 1000, burst_count: 1000 },
      }),
      'log.yaml': JSON.stringify({
        version: 1,
        disable_existing_loggers: false,
        formatters: { plain: { format: '%(name)s %(message)s' } },
        handlers: { console: { class: 'logging.StreamHandler', formatter: 'plain' } },
        root: { level: 'INFO', handlers: ['console'] },
      }),
    },
    schema: [
      { run: ['python', '-m', 'synapse.app.homeserver', '--config-path', 'homeserver.yaml', '--generate-keys'] },
      served([]),
    ],
    rows: [served(talk)],
    settled: {
      steps: [served([{ method: 'GET', url: `${SERVER}/_matrix/client/versions` }])],
      says: /Schema now up to date/,
      saysNot: /Applying schema \d|Running \d|Applying engine-specific/,
    },
  }),
}
