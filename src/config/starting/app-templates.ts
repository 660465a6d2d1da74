/** What an app that is known needs to start again, as a commented piece of holdfast.yaml, and the proof of its keys. */
export interface AppTemplate {
  readonly name: (typeof appNames)[number]
  /** Absolute; where the app's own settings are. */
  readonly environmentFile: string
  /** Whether that file is there and has the URL of the database. */
  readonly hasUrl: boolean
}

export const appNames = ['certctl', 'authentik', 'zitadel'] as const

/** The usual place, and the variable that has the database's URL, where the app has one. */
export const appPlaces: Readonly<
  Record<AppTemplate['name'], { readonly environmentFile: string; readonly url?: string }>
> = {
  certctl: { environmentFile: '/opt/certctl/.env', url: 'CERTCTL_DATABASE_URL' },
  authentik: { environmentFile: '/opt/authentik/.env' },
  zitadel: { environmentFile: '/opt/zitadel/.env' },
}

/** The lines under `components:` and what follows them, indented as in the file. */
export function templateText(template: AppTemplate): string {
  return texts[template.name](template)
}

const texts: Readonly<Record<AppTemplate['name'], (template: AppTemplate) => string>> = { certctl, authentik, zitadel }

function certctl({ environmentFile, hasUrl }: AppTemplate): string {
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

function authentik({ environmentFile }: AppTemplate): string {
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

function zitadel({ environmentFile }: AppTemplate): string {
  return `      database:
        kind: postgres
${login('zitadel', `envfile:${environmentFile}#ZITADEL_DATABASE_POSTGRES_USER_PASSWORD`)}${check('there are events', 'select count(*) > 0 from eventstore.events2')}      keys:
        kind: secrets
        secrets:
          # 32 bytes. Where it is a file of its own: masterkey: { file: /opt/zitadel/masterkey }
          masterkey: { file: ${JSON.stringify(environmentFile)}, variable: ZITADEL_MASTERKEY }
${keyFit('zitadel', 'masterkey: { component: keys, secret: masterkey }')}`
}

function login(name: string, password: string): string {
  return `        host: 127.0.0.1
        database: ${name}
        user: ${name}
        password: ${JSON.stringify(password)}
`
}

function check(name: string, sql: string): string {
  return `        # Run on every restored copy before it counts as proven.
        checks:
          - name: ${name}
            sql: ${JSON.stringify(sql)}
            expect: true
`
}

function keyFit(recipe: string, key: string): string {
  return `    # Every backup and drill proves that these keys open this data.
    keyFit:
      - kind: recipe
        recipe: ${recipe}
        keys:
          ${key}
`
}
