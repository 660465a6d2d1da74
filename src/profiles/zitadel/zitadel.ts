import type { Profile, TemplatePlace } from '../profile.ts'
import { check, keyFit, login } from '../template-parts.ts'
import { zitadelRecipe } from './key-fit.ts'
import { zitadelShape } from './shape.ts'

export const zitadel: Profile = {
  name: 'zitadel',
  recipe: zitadelRecipe,
  template: { environmentFile: '/opt/zitadel/.env', text },
  shape: zitadelShape,
  advice: {
    afterRestore: [
      'Check that ExternalDomain, port and TLS of the configuration are those of the restored instance, and run setup again if not',
      'Ask /.well-known/openid-configuration by the external name, and log in: health pages stay green with a wrong masterkey',
    ],
    warnings: [
      'Restore before init and setup of the chart run on an empty database: they make another instance with other keys',
      'helm uninstall deletes the Secrets that setup made (iam-admin, iam-admin-pat, login-client)',
      'The clock of the database server must not be behind: new events would sort before the restored ones',
    ],
    versions: [
      'Start the version of ZITADEL that made the data, and upgrade afterwards; older ones read other tables',
      'PostgreSQL 14 to 18',
    ],
  },
}

function text({ environmentFile }: TemplatePlace): string {
  return `      database:
        kind: postgres
${login('zitadel', `envfile:${environmentFile}#ZITADEL_DATABASE_POSTGRES_USER_PASSWORD`)}${check('there are events', 'select count(*) > 0 from eventstore.events2')}      keys:
        kind: secrets
        secrets:
          # 32 bytes. Where it is a file of its own: masterkey: { file: /opt/zitadel/masterkey }
          masterkey: { file: ${JSON.stringify(environmentFile)}, variable: ZITADEL_MASTERKEY }
${keyFit('zitadel', 'masterkey: { component: keys, secret: masterkey }')}`
}
