import type { Context } from '../../core/ports.ts'
import { failedFinding } from '../../core/failed-finding.ts'
import { readEnvFile } from '../../core/texts/env-file.ts'
import type { Finding } from '../../core/restore-point.ts'
import { bytesOfSecret } from '../../core/texts/secret-bytes.ts'
import { allSources } from './folder.ts'
import { placeOf, requireSecret } from './read-secret.ts'
import type { SecretSource, SecretsSettings } from './schema.ts'

/** Whether every secret can be read now, and what is odd about its bytes. Never says a value. */
export async function checkSecrets(settings: SecretsSettings, context: Context): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const [name, source] of await sourcesIn(settings, findings)) {
    context.signal.throwIfAborted()
    findings.push(...(await checkOne(name, source)))
  }
  return findings
}

/** A folder that cannot be read, or that has what no secret is, is said. */
async function sourcesIn(settings: SecretsSettings, findings: Finding[]): Promise<readonly [string, SecretSource][]> {
  const subject = `folder ${settings.folder ?? ''}`
  try {
    const { sources, notCaptured } = await allSources(settings)
    findings.push(...notCaptured.map((message): Finding => ({ level: 'warning', subject, message })))
    return sources
  } catch (error) {
    findings.push(failedFinding(subject, error))
    return Object.entries(settings.secrets)
  }
}

async function checkOne(name: string, source: SecretSource): Promise<Finding[]> {
  const subject = `secret ${name}`
  try {
    const { value } = await requireSecret(name, source)
    return oddities(subject, source, bytesOfSecret(value))
  } catch (error) {
    return [failedFinding(subject, error)]
  }
}

function oddities(subject: string, source: SecretSource, content: Buffer): Finding[] {
  const place = placeOf(source)
  if (content.length === 0) return [{ level: 'warning', subject, message: `${place} is empty` }]
  const odd = [...newlineFinding(subject, place, content), ...variableFindings(subject, content)]
  return odd.length > 0 ? odd : [{ level: 'ok', subject, message: `${place} can be read` }]
}

/** A line break at the end of a single line is an editor's more often than the secret's: ZITADEL refuses 33 bytes for 32. */
function newlineFinding(subject: string, place: string, content: Buffer): Finding[] {
  if (content.indexOf(10) !== content.length - 1 || isAssignment(content)) return []
  return [
    {
      level: 'warning',
      subject,
      message: `${place} ends with a line break, which is captured and restored as part of the value`,
      hint: 'Remove it if the app does not: printf %s instead of echo.',
    },
  ]
}

function isAssignment(content: Buffer): boolean {
  return readEnvFile(content.toString('utf8')).size > 0
}

function variableFindings(subject: string, content: Buffer): Finding[] {
  return [...readEnvFile(content.toString('utf8'))].flatMap(([variable, { differs }]) =>
    differs === undefined ? [] : [{ level: 'warning' as const, subject, message: `variable ${variable} ${differs}` }],
  )
}
