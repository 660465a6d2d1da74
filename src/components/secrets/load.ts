import { isScalar, parseDocument, Scalar } from 'yaml'
import { withVariable } from '../../core/texts/env-file.ts'
import { Failure } from '../../core/failure.ts'
import type { Difference } from '../../core/restore-point.ts'
import type { Secret } from '../../core/secret.ts'
import { bytesOfSecret, secretOfBytes } from '../../core/texts/secret-bytes.ts'
import type { ArtifactSource } from '../transfer.ts'
import { readRecords, secretDigest, SECRETS } from '../secret-record.ts'
import { environmentSecrets, namesOf, type Destination, type FilePart } from './places.ts'
import { parseYaml, readHostFile, readSecret, yamlText } from './read-secret.ts'
import type { SecretDetails, SecretsDetails, SecretsSettings } from './schema.ts'

/** The captured values by name. Fails with `corrupt` when they are not those of the details. */
export async function capturedValues(
  details: SecretsDetails,
  source: ArtifactSource,
): Promise<ReadonlyMap<string, Secret>> {
  const values = new Map<string, Secret>()
  for await (const { name, value } of readRecords(source.read(SECRETS))) values.set(name, value)
  const wrong = details.secrets.find((secret) => !isCaptured(details, secret, values.get(secret.name)))
  if (wrong === undefined && values.size === details.secrets.length) return values
  throw new Failure('corrupt', `the captured secrets are not those of the manifest: ${wrong?.name ?? 'one too many'}`)
}

function isCaptured({ fingerprintKey }: SecretsDetails, { digest }: SecretDetails, value: Secret | undefined): boolean {
  return value !== undefined && digestOf(fingerprintKey, value) === digest
}

function digestOf(fingerprintKey: string, value: Secret): string {
  return secretDigest(secretOfBytes(Buffer.from(fingerprintKey, 'base64')), value)
}

/** The whole content of a destination with the captured values in it, or undefined when it has them already. */
export async function contentFor(
  { file, secrets }: Destination,
  values: ReadonlyMap<string, Secret>,
): Promise<Buffer | undefined> {
  const live = await readHostFile(file)
  const whole = secrets.find(({ yamlKey, variable }) => yamlKey === undefined && variable === undefined)
  if (whole !== undefined) {
    const wanted = bytesOfSecret(valueOf(values, whole.name))
    return live?.content.equals(wanted) === true ? undefined : wanted
  }
  if (live === undefined) throw partsOfNoFile({ file, secrets })
  if (!Buffer.from(live.content.toString('utf8')).equals(live.content))
    throw new Failure('unsupported', `${file} is no UTF-8 text, so that single values of it cannot be changed`, {
      hint: 'Set restoreFolder to get the values as files.',
    })
  const variables = secrets.filter(({ variable }) => variable !== undefined)
  const content = withVariables(file, live.content, variables, values)
  const keys = secrets.filter(({ yamlKey }) => yamlKey !== undefined)
  const changed = keys.length === 0 ? content : (withValues(file, content, keys, values) ?? content)
  return changed.equals(live.content) ? undefined : changed
}

/** A restore makes a file that it has whole, and not one of which it has single values. */
export function partsOfNoFile({ file, secrets }: Destination): Failure {
  const lines = secrets.flatMap(({ variable }) => (variable === undefined ? [] : [`${variable}=`]))
  const what = lines.length === 0 ? 'the same keys' : lines.join(' and ')
  return new Failure('notFound', `${file} is not there, and only single values of it are in the restore point`, {
    hint: `Put the file back first, or a new one with ${what}: the restore fills the values in. Or set restoreFolder to get the values as files.`,
  })
}

function withVariables(
  file: string,
  content: Buffer,
  secrets: readonly FilePart[],
  values: ReadonlyMap<string, Secret>,
): Buffer {
  let text = content.toString('utf8')
  for (const { name, variable = '' } of secrets) {
    const changed = withVariable(text, variable, bytesOfSecret(valueOf(values, name)).toString('utf8'))
    if (changed === undefined) throw noVariable(file, variable)
    text = changed
  }
  return Buffer.from(text)
}

export function noVariable(file: string, variable: string): Failure {
  return new Failure('notFound', `${file} has no variable ${variable}, or none that can hold the captured value`, {
    hint: `Put the line ${variable}= into the file: the restore fills the value in. Or set restoreFolder to get the values as files.`,
  })
}

/** What of the environment is not as it was captured: it belongs to whoever starts the app, and no restore sets it. */
export async function compareEnvironment(
  settings: SecretsSettings,
  details: SecretsDetails,
): Promise<readonly Difference[]> {
  const differences: Difference[] = []
  for (const { name, environment } of environmentSecrets(settings, namesOf(details.secrets)))
    differences.push(...differencesOf(name, details, await readSecret({ environment })))
  return differences
}

export async function requireEnvironment(settings: SecretsSettings, details: SecretsDetails): Promise<void> {
  const [difference] = await compareEnvironment(settings, details)
  if (difference === undefined) return
  const { subject, expected, found } = difference
  throw new Failure('refused', `${subject} comes from the environment, which has ${found} instead of ${expected}`, {
    hint: 'Holdfast cannot set the environment of an app. Set restoreFolder to get the value as a file, and set the variable from it; or restore without this component.',
  })
}

/** Only the values change: comments, order and how everything else is written stay, as nothing else is written again. */
function withValues(
  file: string,
  content: Buffer,
  secrets: readonly FilePart[],
  values: ReadonlyMap<string, Secret>,
): Buffer | undefined {
  const document = parseYaml(file, content)
  const edits = secrets.flatMap(({ name, yamlKey = [] }) => {
    const wanted = bytesOfSecret(valueOf(values, name)).toString('utf8')
    return yamlText(document, file, yamlKey) === wanted ? [] : [editOf(document, file, yamlKey, wanted)]
  })
  if (edits.length === 0) return undefined
  let text = content.toString('utf8')
  // From the end, so that the places of the others stay what they are.
  for (const { from, to, value } of edits.toSorted((a, b) => b.from - a.from))
    text = text.slice(0, from) + value + (text.slice(from, to).endsWith('\n') ? '\n' : '') + text.slice(to)
  return Buffer.from(text)
}

function editOf(
  document: ReturnType<typeof parseYaml>,
  file: string,
  yamlKey: readonly string[],
  wanted: string,
): { readonly from: number; readonly to: number; readonly value: string } {
  const node = document.getIn(yamlKey, true)
  if (isScalar(node) && node.range)
    return { from: node.range[0], to: node.range[1], value: yamlScalar(wanted, node.type === Scalar.PLAIN) }
  throw new Failure('notFound', `${file} has no value at ${yamlKey.join('.')}`, {
    hint: 'Put the key back with any value, or set restoreFolder to get the values as files.',
  })
}

/** What was written without quotes stays so where it reads the same: quotes would make text of a number. */
function yamlScalar(value: string, plain: boolean): string {
  const alone = parseDocument(`value: ${value}`)
  const node = alone.get('value', true)
  const reads = alone.errors.length === 0 && isScalar(node) && node.type === Scalar.PLAIN && node.source === value
  return plain && reads ? value : JSON.stringify(value)
}

function valueOf(values: ReadonlyMap<string, Secret>, name: string): Secret {
  const value = values.get(name)
  if (value === undefined) throw new Failure('corrupt', `secret ${name} is not in the restore point`)
  return value
}

/** Reads again what was written to `place` (of a destination) and compares by keyed digest. */
export async function compareAt(
  destination: Destination,
  place: string,
  details: SecretsDetails,
): Promise<readonly Difference[]> {
  const differences: Difference[] = []
  for (const { name, ...part } of destination.secrets)
    differences.push(...differencesOf(name, details, await readSecret({ file: place, ...part })))
  return differences
}

function differencesOf(
  name: string,
  { secrets, fingerprintKey }: SecretsDetails,
  found: { readonly value: Secret } | undefined,
): readonly Difference[] {
  const expected = secrets.find((secret) => secret.name === name)?.digest ?? ''
  const digest = found === undefined ? undefined : digestOf(fingerprintKey, found.value)
  if (digest === expected) return []
  const said = digest === undefined ? 'nothing' : 'another value'
  return [{ subject: `secret ${name}`, expected: 'the captured value', found: said }]
}
