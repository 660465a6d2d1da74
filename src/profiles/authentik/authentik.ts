import type { Profile, TemplatePlace } from '../profile.ts'
import { check, keyFit, login } from '../template-parts.ts'
import { authentikRecipe } from './key-fit.ts'
import { authentikShape } from './shape.ts'

export const authentik: Profile = {
  name: 'authentik',
  recipe: authentikRecipe,
  template: { environmentFile: '/opt/authentik/.env', text },
  shape: authentikShape,
  advice: {
    afterRestore: [
      'Restart the worker if its queue grows, and look at the outposts: their version must be that of the server',
      'Log in, and look for critical lines in the log: health pages stay green with a wrong secret key',
    ],
    warnings: [
      'Never restore over a database on which another version of authentik was started: its migrations stop in the middle',
      'With another AUTHENTIK_SECRET_KEY all sessions end; before 2023.6 other apps then also know all users anew',
      'The database holds private keys and tokens in clear: whoever reads a restore point can be anybody',
    ],
    versions: [
      'Start the release (2025.8, 2025.10, …) that made the data, or the very next one: authentik refuses to skip a release',
    ],
  },
}

function text({ environmentFile }: TemplatePlace): string {
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
