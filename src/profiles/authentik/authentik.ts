import type { Profile, TemplatePlace } from '../profile.ts'
import { check, keyFit, login } from '../template-parts.ts'
import { authentikRecipe } from './key-fit.ts'

export const authentik: Profile = {
  name: 'authentik',
  environmentFile: '/opt/authentik/.env',
  recipe: authentikRecipe,
  template,
}

function template({ environmentFile }: TemplatePlace): string {
  return `      database:
        kind: postgres
${login('authentik', `envfile:${environmentFile}#PG_PASS`)}${check('there are users', 'select count(*) > 0 from public.authentik_core_user')}      keys:
        kind: secrets
        secrets:
          secret-key: { file: ${JSON.stringify(environmentFile)}, variable: AUTHENTIK_SECRET_KEY }
      # Icons and uploads, where they are kept in a folder.
      # media:
      #   kind: files
      #   path: /opt/authentik/media
${keyFit('authentik', 'secretKey: { component: keys, secret: secret-key }')}        # Where the app answers: it is asked for a cookie, which proves the key.
        # url: https://auth.example.org
`
}
