import type { Profile, TemplatePlace } from '../profile.ts'
import { check, keyFit, login } from '../template-parts.ts'
import { certctlRecipe } from './key-fit.ts'
import { certctlShape } from './shape.ts'

export const certctl: Profile = {
  name: 'certctl',
  recipe: certctlRecipe,
  template: { environmentFile: '/opt/certctl/.env', databaseUrl: 'CERTCTL_DATABASE_URL', text },
  shape: certctlShape,
  advice: {
    afterRestore: [
      'Let the server apply newer migrations itself when it starts: no other migration tool knows its list of them',
      'Empty crl_cache and ocsp_response_cache after noting max(crl_number): the next revocation list must have a higher one',
      'Look for the line "issuer load failure" in the log, and fetch a revocation list: the server starts with a wrong key too',
      'Start the agents after the server is ready',
    ],
    warnings: [
      'Without CERTCTL_CONFIG_ENCRYPTION_KEY nobody reads the settings of issuers and targets again',
      'A local CA without CERTCTL_CA_KEY_PATH lives in memory only: no backup can hold it',
      'A scheduler renews certificates the moment the server starts, also in a copy: keep copies off the network',
    ],
    versions: ['A server that is older than the data starts without a word: start the same or a newer one'],
  },
}

function text({ environmentFile, hasUrl }: TemplatePlace): string {
  const file = JSON.stringify(environmentFile)
  const url = `from: { file: ${file}, name: CERTCTL_DATABASE_URL }`
  return `      database:
        kind: postgres
        # Host, port, user, password and database come from the app's own environment file. Write a host beside it where the
        # URL has a name that only containers know.
${hasUrl ? `        ${url}\n        # host: 127.0.0.1` : `        # ${url}`}
${hasUrl ? '' : login('certctl', `envfile:${environmentFile}#POSTGRES_PASSWORD`)}${check('the tables are there', "select to_regclass('public.issuers') is not null")}      keys:
        kind: secrets
        secrets:
          # Without it nobody can read the settings of issuers and targets again.
          config-key: { file: ${file}, variable: CERTCTL_CONFIG_ENCRYPTION_KEY }
          # Of the local CA, where there is one. Settings of issuers in the database may name more such files (ca_key_path).
          # ca-key: { file: /opt/certctl/ca/ca.key }
          # ca-certificate: { file: /opt/certctl/ca/ca.crt }
${keyFit('certctl', 'configKey: { component: keys, secret: config-key }')}          # caKey: { component: keys, secret: ca-key }
          # caCertificate: { component: keys, secret: ca-certificate }
`
}
