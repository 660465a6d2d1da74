import type { Application } from '../application.ts'
import { databaseUrl } from '../visit.ts'

const ADMIN = ['--username', 'alice', '--firstname', 'Alice', '--lastname', 'É', '--email', 'alice@example.org']

export const superset: Application = {
  name: 'Apache Superset',
  version: '6.1.0',
  packages: {
    registry: 'pypi',
    python: ['3.11'],
    wanted: ['apache-superset==6.1.0', 'psycopg2-binary==2.9.13', 'rich', 'flask-caching<2.4'],
  },
  life: ({ folder, database }) => ({
    environment: {
      SUPERSET_CONFIG_PATH: `${folder}/superset_config.py`,
      FLASK_APP: 'superset',
      SCARF_ANALYTICS: 'false',
    },
    files: {
      'superset_config.py': [
        `SQLALCHEMY_DATABASE_URI = '${databaseUrl(database, 'postgresql+psycopg2')}'`,
        `SECRET_KEY = 'a-long-secret-key-of-a-test-0123456789'`,
        `DATA_DIR = '${folder}'`,
      ].join('\n'),
    },
    schema: [{ run: ['superset', 'db', 'upgrade'] }],
    rows: [
      { run: ['superset', 'fab', 'create-admin', ...ADMIN, '--password', 'a-password-of-a-test'] },
      { run: ['superset', 'init'] },
    ],
    settled: {
      steps: [{ run: ['superset', 'db', 'upgrade'] }],
      says: /Migration scripts completed/,
      saysNot: /Running upgrade/,
    },
  }),
}
