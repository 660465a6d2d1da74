import { anyPostgres } from '../clues.ts'
import type { AppShape } from '../shape.ts'

/** Names: those of certctl's Helm chart and of its compose file. */
export const certctlShape: AppShape = {
  signs: {
    labels: ['app.kubernetes.io/name=certctl'],
    images: ['certctl-server', 'certctl/server'],
    variables: ['CERTCTL_DATABASE_URL', 'CERTCTL_CONFIG_ENCRYPTION_KEY'],
  },
  // Agents hold jobs of the server, so they stop before it.
  writers: {
    names: ['certctl-server', 'certctl-agent', '*-certctl-server', '*-certctl-agent'],
    labels: ['app.kubernetes.io/name=certctl'],
    images: ['certctl-server', 'certctl-agent', 'certctl/server', 'certctl/agent'],
    variables: ['CERTCTL_DATABASE_URL'],
  },
  order: ['*agent*', '*'],
  database: {
    clues: [{ names: ['certctl-postgres', '*-certctl-postgres'] }, anyPostgres],
    name: 'certctl',
    checks: [{ name: 'the tables are there', sql: "select to_regclass('public.issuers') is not null" }],
    // Not crl_cache: the numbers of its revocation lists may never go back.
    disposable: ['public.ocsp_response_cache', 'public.acme_nonces'],
  },
  secrets: { names: ['certctl-postgres', 'certctl-server', 'certctl-tls', '*-certctl-*'] },
  keys: {
    configKey: { variables: ['CERTCTL_CONFIG_ENCRYPTION_KEY'], secretKeys: ['CERTCTL_CONFIG_ENCRYPTION_KEY'] },
  },
  files: [
    {
      name: 'ca',
      what: 'CA keys and files of operators',
      paths: ['/etc/certctl', '/etc/certctl/ca', '/var/lib/certctl'],
    },
  ],
  disposable: [],
  units: ['certctl-agent.service', 'certctl-server.service', 'certctl.service'],
}
