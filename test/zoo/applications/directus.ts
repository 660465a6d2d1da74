import type { Application, Request, Served } from '../application.ts'

const SERVER = 'http://127.0.0.1:8055'
const headers = { authorization: 'Bearer $token' }

function item(n: number): Request {
  return { method: 'POST', url: `${SERVER}/items/animals`, headers, body: { name: `animal ${n} é`, weight: `${n}.25` } }
}

const collection = {
  collection: 'animals',
  schema: {},
  meta: {},
  fields: [
    { field: 'id', type: 'uuid', meta: { special: ['uuid'] }, schema: { is_primary_key: true } },
    { field: 'name', type: 'string', schema: { is_unique: true } },
    { field: 'weight', type: 'decimal', schema: { numeric_precision: 10, numeric_scale: 2 } },
    { field: 'born', type: 'timestamp', meta: { special: ['date-created'] }, schema: {} },
  ],
}
const rows: readonly Request[] = [
  {
    method: 'POST',
    url: `${SERVER}/auth/login`,
    body: { email: 'alice@example.org', password: 'a-password-of-a-test' },
    keep: { token: 'data.access_token' },
  },
  { method: 'POST', url: `${SERVER}/collections`, headers, body: collection },
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(item),
]

const served = (requests: readonly Request[]): Served => ({
  serve: ['directus', 'start'],
  ready: `${SERVER}/server/ping`,
  requests,
})

export const directus: Application = {
  name: 'Directus',
  version: '12.4.1',
  packages: {
    registry: 'npm',
    wanted: { directus: '12.4.1' },
    // The pages of its administration, in the version that registries have; and a sandbox that needs no C compiler.
    overrides: { '@directus/app': '18.0.0', 'isolated-vm': '7.0.1' },
  },
  life: ({ database }) => ({
    environment: {
      HOST: '127.0.0.1',
      PORT: '8055',
      DB_CLIENT: 'pg',
      DB_HOST: database.host,
      DB_PORT: String(database.port),
      DB_DATABASE: database.name,
      DB_USER: database.user,
      DB_PASSWORD: database.password,
      SECRET: 'a-secret-of-a-test-that-is-long-enough',
      ADMIN_EMAIL: 'alice@example.org',
      ADMIN_PASSWORD: 'a-password-of-a-test',
      TELEMETRY: 'false',
      NO_UPDATE_NOTIFIER: '1',
      SERVE_APP: 'false',
    },
    files: { 'package.json': '{}', 'uploads/.keep': '', 'extensions/.keep': '' },
    schema: [{ run: ['directus', 'bootstrap'] }],
    rows: [served(rows)],
    settled: {
      steps: [{ run: ['directus', 'database', 'migrate:latest'] }],
      says: /Database up to date/,
      saysNot: /Applying/,
    },
  }),
}
