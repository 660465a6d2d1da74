import type { Profile, TemplatePlace } from '../profile.ts'
import { check, keyFit, login } from '../template-parts.ts'
import { zitadelRecipe } from './key-fit.ts'

export const zitadel: Profile = {
  name: 'zitadel',
  environmentFile: '/opt/zitadel/.env',
  recipe: zitadelRecipe,
  template,
}

function template({ environmentFile }: TemplatePlace): string {
  return `      database:
        kind: postgres
${login('zitadel', `envfile:${environmentFile}#ZITADEL_DATABASE_POSTGRES_USER_PASSWORD`)}${check('there are events', 'select count(*) > 0 from eventstore.events2')}      keys:
        kind: secrets
        secrets:
          # 32 bytes. Where it is a file of its own: masterkey: { file: /opt/zitadel/masterkey }
          masterkey: { file: ${JSON.stringify(environmentFile)}, variable: ZITADEL_MASTERKEY }
${keyFit('zitadel', 'masterkey: { component: keys, secret: masterkey }')}`
}
