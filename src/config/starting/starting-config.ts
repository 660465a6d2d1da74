import { stringify } from 'yaml'
import { storageKinds } from '../../storage/all.ts'

/** What is known when a configuration is begun. */
export interface StartingValues {
  readonly app: string
  readonly repository: { readonly name: string; readonly url: string }
  readonly database: { readonly host: string; readonly name: string; readonly user: string }
  /** Secret reference, for example `env:PORTAL_PASSWORD`; a login by peer or trust has none. */
  readonly databasePassword?: string
  /** An absolute folder of files to protect. */
  readonly files?: string
  /** The absolute folder that keys are kept in. */
  readonly keyFolder: string
  /** In place of `database` and `files`, for an app that is known: the lines under `components:` and what follows. */
  readonly known?: string | undefined
}

/** A commented holdfast.yaml that is valid as it is. `withKeys` enters keys once they are made. */
export function startingConfig(values: StartingValues): string {
  return [head(values), repositories(values), apps(values)].join('\n')
}

function head({ keyFolder }: StartingValues): string {
  return `# Configuration of Holdfast. docs/use/configuration.md explains every key; "holdfast check" reads this file and tries all of it.
# Secrets are written as references: env:NAME or file:/path.
version: 1

# The private key that signs restore points. Whoever has it can make points that this host trusts.
signingKey: ${scalar(`file:${keyFolder}/signing.key`)}

# The private key that opens restore points, for drills and restores on this host. A backup needs only the recipients
# below: where the host itself is not trusted with old backups, keep this key elsewhere and leave the line out.
identity: ${scalar(`file:${keyFolder}/identity.txt`)}

# Whose restore points are trusted. Keep a copy with the password of the identity.
signers: []
`
}

function repositories({ repository }: StartingValues): string {
  return `# Where restore points are kept. Have at least one that is not on this machine.
repositories:
  ${repository.name}:
    url: ${scalar(repository.url)}
    # Public keys (age1…) that can open new restore points. Two, one of them kept offline, survive the loss of one.
    recipients: []
${offsiteExamples()}`
}

/** One for each kind of storage that has an example. */
function offsiteExamples(): string {
  return storageKinds
    .flatMap(({ offsite }) => (offsite === undefined ? [] : [Object.entries(offsite)]))
    .map((settings, index) => [
      `offsite${index === 0 ? '' : `-${index + 1}`}:`,
      ...settings.map(([key, value]) => `  ${key}: ${scalar(value)}`),
      '  recipients: []',
    ])
    .map((lines) => lines.map((line) => `  # ${line}\n`).join(''))
    .join('')
}

function apps({ app, repository, ...values }: StartingValues): string {
  return `apps:
  ${app}:
    repositories:
      - ${repository.name}
    # How often a backup is expected. Without one for twice as long, nothing old is removed.
    interval: 24h
    # What prune keeps; rules add up. Without any rule everything is kept.
    retention:
      daily: 7
      weekly: 4
      monthly: 12
      minimum: 3
      timezone: UTC
    # All that the app needs to start again: a restore point holds either all of it or says that it is incomplete.
    components:
${values.known ?? database(values) + files(values)}`
}

function database({ database, databasePassword }: Omit<StartingValues, 'app' | 'repository'>): string {
  const password =
    databasePassword === undefined ? '# password: env:DATABASE_PASSWORD' : `password: ${scalar(databasePassword)}`
  return `      database:
        kind: postgres
        host: ${scalar(database.host)}
        database: ${scalar(database.name)}
        user: ${scalar(database.user)}
        ${password}
        # Run on every restored copy before it counts as proven.
        # checks:
        #   - name: there are users
        #     sql: select count(*) > 0 from users
        #     expect: true
`
}

/** Keys without which the database cannot be read belong into the restore point, so the example stays even when unused. */
function files({ files }: Omit<StartingValues, 'app' | 'repository'>): string {
  const mark = files === undefined ? '# ' : ''
  return `      ${mark}files:
      ${mark}  kind: files
      ${mark}  path: ${scalar(files ?? '/var/lib/portal')}
`
}

/** On one line: more lines would have to be indented like what they are in. */
function scalar(text: string): string {
  const oneLine = { blockQuote: false, lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER } as const
  return stringify(text, oneLine).trimEnd()
}
