import { dirname, join, resolve } from 'node:path'
import { parseConfig } from '../../config/load-config.ts'
import { startingConfig } from '../../config/starting/starting-config.ts'
import { Failure } from '../../core/failure.ts'
import { profileNamed, templateNames } from '../../profiles/all.ts'
import { assertEnvironmentFile } from '../../system/environment-file.ts'
import { processEnvironment } from '../../system/environment.ts'
import { componentSchemas } from '../component-schemas.ts'
import { holdsUrl } from './found/plan-found.ts'
import type { InitOrder } from './init.ts'

/** The starting configuration, judged before anything is made: a wrong option leaves no file behind that is wrong. */
export function startingText(path: string, order: InitOrder): string {
  const folder = dirname(path)
  const url = order.repositoryUrl ?? `file://${join(folder, 'repository')}`
  const known = knownApp(order)
  const text = startingConfig({
    app: known?.app ?? 'portal',
    known: known?.text,
    repository: { name: 'main', url },
    database: { host: 'localhost', name: 'portal', user: 'holdfast' },
    databasePassword: 'env:PORTAL_DATABASE_PASSWORD',
    keyFolder: join(folder, 'keys'),
  })
  const withIdentity = text.replace(/^identity: .*$/m, identityLine(order))
  parseConfig(withIdentity, { path, isPrivate: true, componentSchemas, environment: processEnvironment() })
  return withIdentity
}

/** Without an identity file on this host, restores here ask for the password of the locked one. */
function identityLine({ identityFile }: InitOrder): (line: string) => string {
  return (line) =>
    identityFile === undefined ? `# ${line}` : `identity: ${JSON.stringify(`file:${resolve(identityFile)}`)}`
}

interface KnownApp {
  readonly app: string
  /** What stands below `components:`. */
  readonly text: string
}

function knownApp({ template: asked, found }: InitOrder): KnownApp | undefined {
  if (found !== undefined) return found
  if (asked === undefined) return undefined
  const template = profileNamed(asked.name)?.template
  if (template === undefined)
    throw new Failure('usage', `no template for app ${JSON.stringify(asked.name)}`, {
      hint: `There is: ${templateNames.join(', ')}.`,
    })
  const environmentFile = resolve(asked.environmentFile ?? template.environmentFile)
  if (asked.environmentFile !== undefined) assertEnvironmentFile(environmentFile)
  const { databaseUrl } = template
  const hasUrl = databaseUrl !== undefined && holdsUrl(environmentFile, databaseUrl)
  return { app: asked.name, text: `${template.text({ environmentFile, hasUrl })}    profile: ${asked.name}\n` }
}
