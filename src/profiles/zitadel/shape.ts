import { anyPostgres, cacheOnly } from '../clues.ts'
import type { AppShape } from '../shape.ts'

/** Names: those of ZITADEL's Helm chart and of its compose file, and those that operators give by hand. */
export const zitadelShape: AppShape = {
  signs: {
    labels: ['app.kubernetes.io/name=zitadel'],
    images: ['zitadel/zitadel'],
    variables: ['ZITADEL_MASTERKEY', 'ZITADEL_DATABASE_POSTGRES_HOST', 'ZITADEL_DATABASE_POSTGRES_DSN'],
  },
  writers: {
    names: ['zitadel', 'zitadel-api', 'zitadel-login', '*-zitadel', '*-zitadel-login'],
    labels: ['app.kubernetes.io/name=zitadel', 'app.kubernetes.io/name=zitadel-login'],
    images: ['zitadel/zitadel', 'zitadel/zitadel-login'],
    variables: ['ZITADEL_MASTERKEY'],
  },
  order: ['*login*', '*'],
  database: {
    clues: [{ names: ['zitadel-db', '*-zitadel-db'] }, anyPostgres],
    name: 'zitadel',
    checks: [
      { name: 'there are events', sql: 'select count(*) > 0 from eventstore.events2' },
      {
        // A step that began and neither ended nor failed afterwards stops every later setup.
        name: 'no setup was interrupted',
        sql: `select count(*) = 0 from (select distinct on (payload->>'name') event_type from eventstore.events2 where aggregate_type = 'system' and event_type like 'system.migration.%' order by payload->>'name', "position" desc, in_tx_order desc) last where event_type = 'system.migration.started'`,
      },
    ],
    disposable: [],
  },
  secrets: {
    names: [
      'zitadel-secret',
      'zitadel-db-secret',
      'zitadel-masterkey',
      '*-zitadel-masterkey',
      'iam-admin*',
      'login-client',
      '*login-client',
    ],
    // The chart's setup job writes it on what it makes.
    labels: ['app.kubernetes.io/managed-by=Zitadel'],
  },
  keys: { masterkey: { variables: ['ZITADEL_MASTERKEY'], secretKeys: ['masterkey'] } },
  files: [],
  disposable: [
    cacheOnly('it holds sessions and caches that are made again: users log in again after its loss'),
    {
      clue: { names: ['oauth2-proxy', '*-oauth2-proxy'], images: ['oauth2-proxy'] },
      why: 'it keeps no data of its own',
    },
  ],
  units: ['zitadel.service', 'zitadel-login.service'],
}
