import type { Application } from '../application.ts'

const workflow = (n: number): unknown => ({
  id: `zoo${n}`,
  name: `Feed animal ${n} é`,
  active: false,
  nodes: [
    {
      id: `start${n}`,
      name: 'Start',
      type: 'n8n-nodes-base.manualTrigger',
      typeVersion: 1,
      position: [0, 0],
      parameters: {},
    },
  ],
  connections: {},
  settings: {},
})
const credentials = [
  { id: 'keeper', name: 'Keeper', type: 'httpBasicAuth', data: { user: 'alice', password: 'secret' } },
]

export const n8n: Application = {
  name: 'n8n',
  version: '2.41.1',
  packages: { registry: 'npm', wanted: { n8n: '2.41.1' } },
  life: ({ folder, database }) => ({
    environment: {
      N8N_USER_FOLDER: folder,
      DB_TYPE: 'postgresdb',
      DB_POSTGRESDB_HOST: database.host,
      DB_POSTGRESDB_PORT: String(database.port),
      DB_POSTGRESDB_DATABASE: database.name,
      DB_POSTGRESDB_USER: database.user,
      DB_POSTGRESDB_PASSWORD: database.password,
      N8N_ENCRYPTION_KEY: 'a-key-of-a-test',
      N8N_DIAGNOSTICS_ENABLED: 'false',
      N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
      N8N_TEMPLATES_ENABLED: 'false',
      N8N_PERSONALIZATION_ENABLED: 'false',
      EXTERNAL_FRONTEND_HOOKS_URLS: '',
      N8N_LOG_LEVEL: 'debug',
    },
    files: {
      'workflows.json': JSON.stringify([1, 2, 3, 4, 5].map(workflow)),
      'credentials.json': JSON.stringify(credentials),
    },
    schema: [{ run: ['n8n', 'list:workflow'], minutes: 30 }],
    rows: [
      { run: ['n8n', 'import:workflow', '--input=workflows.json'] },
      { run: ['n8n', 'import:credentials', '--input=credentials.json'] },
    ],
    settled: {
      steps: [{ run: ['n8n', 'list:workflow'] }],
      says: /zoo5\|Feed animal 5 é/,
      saysNot: /(Starting|Finished) migration/,
    },
  }),
}
