import type { Profile, TemplatePlace } from '../profile.ts'
import { check, keyFit, login } from '../template-parts.ts'
import { certctlRecipe } from './key-fit.ts'

export const certctl: Profile = {
  name: 'certctl',
  environmentFile: '/opt/certctl/.env',
  databaseUrl: 'CERTCTL_DATABASE_URL',
  recipe: certctlRecipe,
  template,
}

function template({ environmentFile, hasUrl }: TemplatePlace): string {
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
