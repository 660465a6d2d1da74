import type { Application, Request, Served } from '../application.ts'

const SERVER = 'http://127.0.0.1:8080'
const headers = { authorization: 'Bearer $token' }

const logIn: Request = {
  method: 'POST',
  url: `${SERVER}/realms/master/protocol/openid-connect/token`,
  form: { grant_type: 'password', client_id: 'admin-cli', username: 'alice', password: 'a-password-of-a-test' },
  keep: { token: 'access_token' },
}

function addUser(n: number): Request {
  const credentials = [{ type: 'password', value: 'a-password-of-a-test' }]
  const body = { username: `user${n}`, email: `user${n}@example.org`, firstName: 'É', enabled: true, credentials }
  return { method: 'POST', url: `${SERVER}/admin/realms/zoo/users`, headers, body }
}

const realm = { realm: 'zoo', enabled: true, roles: { realm: [{ name: 'keeper', description: 'é' }] } }
const changes: readonly Request[] = [
  { method: 'POST', url: `${SERVER}/admin/realms`, headers, body: realm },
  { method: 'POST', url: `${SERVER}/admin/realms/zoo/clients`, headers, body: { clientId: 'feeder', enabled: true } },
  ...[1, 2, 3, 4, 5].map(addUser),
]
/** A token is good for a minute, which is short on a busy machine. */
const rows = changes.flatMap((change) => [logIn, change])

const served = (requests: readonly Request[]): Served => ({
  serve: ['kc.sh', 'start'],
  ready: `${SERVER}/realms/master`,
  requests,
  minutes: 40,
})

/** It then refuses to start where its migrations would have something to do; else it locks this name and does it. */
const VALIDATE = 'KC_SPI_CONNECTIONS_JPA__QUARKUS__MIGRATION_STRATEGY=validate'

export const keycloak: Application = {
  name: 'Keycloak',
  version: '26.7.3',
  packages: { registry: 'maven', archive: 'org.keycloak:keycloak-quarkus-dist:26.7.3:zip' },
  life: ({ folder, database: { user, password, host, port, name } }) => ({
    environment: {
      KC_DB: 'postgres',
      KC_DB_URL: `jdbc:postgresql://${host}:${port}/${name}`,
      KC_DB_USERNAME: user,
      KC_DB_PASSWORD: password,
      KC_DB_POOL_MAX_SIZE: '10',
      KC_CACHE: 'local',
      KC_HTTP_ENABLED: 'true',
      KC_HOSTNAME_STRICT: 'false',
      KC_BOOTSTRAP_ADMIN_USERNAME: 'alice',
      KC_BOOTSTRAP_ADMIN_PASSWORD: 'a-password-of-a-test',
      KC_LOG_LEVEL: 'info,org.keycloak.connections.jpa.updater:debug',
      JAVA_OPTS_APPEND: `-Duser.home=${folder}`,
    },
    schema: [served([])],
    rows: [served(rows)],
    settled: {
      steps: [{ ...served([logIn]), serve: ['env', VALIDATE, 'kc.sh', 'start'] }],
      says: /Listening on/,
      saysNot: /namespace=DATABASE|not up-to-date/,
    },
  }),
}
