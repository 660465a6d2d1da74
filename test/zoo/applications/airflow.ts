import type { Application } from '../application.ts'
import { databaseUrl } from '../visit.ts'

export const airflow: Application = {
  name: 'Apache Airflow',
  version: '3.3.2',
  packages: {
    registry: 'pypi',
    python: ['3.11', '3.12', '3.13'],
    wanted: ['apache-airflow==3.3.2', 'psycopg2-binary==2.9.13', 'asyncpg'],
  },
  life: ({ folder, database }) => ({
    environment: {
      AIRFLOW_HOME: `${folder}/airflow`,
      AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: databaseUrl(database, 'postgresql+psycopg2'),
      AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
      AIRFLOW__CORE__FERNET_KEY: 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=',
      AIRFLOW__USAGE_DATA_COLLECTION__ENABLED: 'False',
    },
    schema: [{ run: ['airflow', 'db', 'migrate'] }],
    rows: [
      { run: ['airflow', 'variables', 'set', 'zoo', '{"animals": ["é", 1]}'] },
      { run: ['airflow', 'pools', 'set', 'zoo', '3', 'a pool of a test'] },
      { run: ['airflow', 'connections', 'add', 'zoo', '--conn-uri', 'postgresql://user:secret@example.org/zoo'] },
    ],
    settled: {
      steps: [{ run: ['airflow', 'db', 'check-migrations'] }, { run: ['airflow', 'db', 'migrate'] }],
      says: /Database migration done!/,
      saysNot: /Running upgrade/,
    },
  }),
}
