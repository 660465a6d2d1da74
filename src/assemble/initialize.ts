import { access, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { loadConfig, type Config } from '../config/load-config.ts'
import { appNames, appPlaces, type AppTemplate } from '../config/app-templates.ts'
import { startingConfig } from '../config/starting-config.ts'
import { withKeys } from '../config/with-keys.ts'
import { parseDatabaseUrl } from '../core/database-url.ts'
import { Failure, isFailure } from '../core/failure.ts'
import type { Context } from '../core/ports.ts'
import type { Finding } from '../core/restore-point.ts'
import { Secret } from '../core/secret.ts'
import type { InitReport, InitRequest } from '../operations/init/init.ts'
import { createRepository } from '../repository/create.ts'
import { generateKeyPair, recipientOf, type KeyPair } from '../repository/keys/age-keys.ts'
import { formatIdentityFile, parseIdentityFile } from '../repository/keys/identity-file.ts'
import { addIdentity, listIdentities, openIdentity } from '../repository/keys/identity-store.ts'
import { generateSigner, parseSigner } from '../repository/keys/signer.ts'
import { noMemory } from '../repository/memory.ts'
import { openRepository } from '../repository/open.ts'
import { HOLDFAST } from '../repository/names.ts'
import { probeStorage } from '../storage/probe.ts'
import type { Storage } from '../storage/storage.ts'
import { readVariable } from '../system/environment-file.ts'
import { processEnvironment } from '../system/environment.ts'
import { replaceFile, writeNewFile } from '../system/private-file.ts'
import { componentSchemas, software } from './assemble.ts'
import { stateRecords } from './state-folder.ts'
import { openConfiguredStorage } from './storage.ts'

const IDENTITY_NAME = 'recovery'

/**
 * Writes a starting configuration where there is none, makes the keys it lacks, and creates its repositories. Nothing
 * that exists is overwritten; a run that was cut off is repeated. What the operator is asked for, and a key that they
 * brought, is looked at before anything is made.
 */
export async function initialize(request: InitRequest, context: Context): Promise<InitReport> {
  const path = resolve(request.configPath ?? processEnvironment().variables['HOLDFAST_CONFIG'] ?? 'holdfast.yaml')
  const key = (await lacksKey(path)) ? await newKey(request) : undefined
  const configWritten = await writeStartingConfig(path, request)
  const config = await readConfig(path)
  const signer = await ensureSigner(config)
  const repositories = await createAll(config, context)
  const keys =
    key === undefined ? NO_NEW_KEY : await enterKey(config, repositories, { ...key, signer }, request, context)
  return {
    configPath: path,
    configWritten,
    signer,
    ...keys,
    repositories: repositories.map(({ name, location, outcome, id }) => ({ name, location, outcome, id })),
    findings: repositories.flatMap(({ findings }) => findings),
  }
}

function readConfig(path: string): Promise<Config> {
  return loadConfig(path, { componentSchemas, environment: processEnvironment() })
}

async function lacksKey(path: string): Promise<boolean> {
  if (!(await exists(path))) return true
  return Object.values((await readConfig(path)).repositories).some(({ recipients }) => recipients.length === 0)
}

interface NewKey {
  readonly pair: KeyPair
  /** Undefined when no repository is to hold the private key. */
  readonly password: Secret | undefined
}

async function newKey(request: InitRequest): Promise<NewKey> {
  const pair = await keyPairOf(request)
  return { pair, password: request.password && new Secret(await request.password()) }
}

async function writeStartingConfig(path: string, request: InitRequest): Promise<boolean> {
  if (await exists(path)) return false
  const folder = dirname(path)
  const url = request.repositoryUrl ?? `file://${join(folder, 'repository')}`
  const template = templateOf(request)
  const text = startingConfig({
    app: template?.name ?? 'portal',
    template,
    repository: { name: 'main', url },
    database: { host: 'localhost', name: 'portal', user: 'holdfast' },
    databasePassword: 'env:PORTAL_DATABASE_PASSWORD',
    keyFolder: join(folder, 'keys'),
  })
  // Without an identity file on this host, restores here ask for the password of the locked one.
  await writeNewFile(
    path,
    request.identityFile === undefined
      ? text.replace(/^identity: .*$/m, '# $&')
      : text.replace(/^identity: .*$/m, `identity: ${JSON.stringify(`file:${resolve(request.identityFile)}`)}`),
  )
  return true
}

function templateOf({ template }: InitRequest): AppTemplate | undefined {
  if (template === undefined) return undefined
  const name = appNames.find((one) => one === template.name)
  if (name === undefined)
    throw new Failure('usage', `no template for app ${JSON.stringify(template.name)}`, {
      hint: `There is: ${appNames.join(', ')}.`,
    })
  const { environmentFile, url } = appPlaces[name]
  const file = resolve(template.environmentFile ?? environmentFile)
  return { name, environmentFile: file, hasUrl: url !== undefined && hasVariable(file, url) }
}

function hasVariable(file: string, name: string): boolean {
  try {
    return parseDatabaseUrl(readVariable(file, name)) !== undefined
  } catch {
    return false
  }
}

/** The signing key is made when its file is missing, and pinned in the configuration. */
async function ensureSigner(config: Config): Promise<string> {
  const reference = config.signingKey
  if (reference === undefined)
    throw new Failure('usage', `${config.path} names no signingKey`, {
      hint: 'Add signingKey: file:/path; the file is made by holdfast init.',
    })
  const file = /^file:(.+)$/s.exec(reference.toString())?.[1]
  if (file !== undefined && !(await exists(file))) await writeNewFile(file, generateSigner().file.reveal())
  const { id } = parseSigner(await reference.resolve())
  if (!config.signers.includes(id))
    await editConfig(config, (text) => withKeys(text, { signers: [...config.signers, id] }))
  return id
}

interface Created {
  readonly name: string
  readonly location: string
  readonly storage: Storage
  readonly outcome: 'created' | 'exists'
  readonly id: string
  /** What its storage does not do as it should, without which backups still work. */
  readonly findings: readonly Finding[]
}

async function createAll(config: Config, context: Context): Promise<readonly Created[]> {
  const records = stateRecords(config.stateFolder, context.effects)
  const created: Created[] = []
  for (const [name, settings] of Object.entries(config.repositories)) {
    const storage = await openConfiguredStorage(name, settings, { records, creating: true }, context)
    const findings = settings.url.startsWith('s3:') ? await tryOut(storage, context) : []
    created.push({ name, location: settings.url, storage, findings, ...(await createOne(storage, context)) })
  }
  return created
}

/** A server that lacks what later commands need holds no new repository: it is known now, and not after the first backup. */
async function tryOut(storage: Storage, { clock, signal }: Context): Promise<readonly Finding[]> {
  if (await isRepository(storage, signal)) return []
  const findings = (await probeStorage(storage, clock, signal)).findings.filter(({ level }) => level !== 'ok')
  const [lacking] = findings.filter(({ level }) => level === 'error')
  if (lacking === undefined) return findings
  const { subject, message, hint } = lacking
  throw new Failure(
    'unsupported',
    `${storage.location} cannot hold a repository: ${subject}: ${message}`,
    hint === undefined ? {} : { hint },
  )
}

async function isRepository(storage: Storage, signal: AbortSignal): Promise<boolean> {
  try {
    await storage.stat(HOLDFAST, signal)
    return true
  } catch (error) {
    if (isFailure(error, 'notFound')) return false
    throw error
  }
}

async function createOne(storage: Storage, context: Context): Promise<Pick<Created, 'outcome' | 'id'>> {
  try {
    const { repository } = await createRepository(storage, { software }, context)
    return { outcome: 'created', id: repository }
  } catch (error) {
    if (!isFailure(error, 'refused')) throw error
    // Opening it tells a repository from a folder with other files in it.
    const existing = await openRepository(storage, { trustedSigners: [], memory: noMemory, software }, context)
    return { outcome: 'exists', id: existing.id }
  }
}

type Keys = Pick<InitReport, 'recipient' | 'identityFile' | 'lockedIdentity'>

const NO_NEW_KEY: Keys = { recipient: null, identityFile: null, lockedIdentity: null }

/** Repositories without recipients get those of one new private key, which is proven to open before anything is encrypted for it. */
async function enterKey(
  config: Config,
  repositories: readonly Created[],
  { pair, password, signer }: NewKey & { readonly signer: string },
  request: InitRequest,
  context: Context,
): Promise<Keys> {
  const lacking = repositories.filter(({ name }) => config.repositories[name]?.recipients.length === 0)
  if (password !== undefined) await lockInto(lacking, pair, signer, password, context)
  if (request.identityFile !== undefined && !(await exists(request.identityFile)))
    await writeIdentity(request.identityFile, pair, signer, context)
  await editConfig(config, (text) =>
    withKeys(text, { recipients: Object.fromEntries(lacking.map(({ name }) => [name, [pair.recipient]])) }),
  )
  return {
    recipient: pair.recipient,
    identityFile: request.identityFile ?? null,
    lockedIdentity: password === undefined ? null : IDENTITY_NAME,
  }
}

/** An identity file that is there already is used: init was cut off, or the operator brought a key. */
async function keyPairOf({ identityFile }: InitRequest): Promise<KeyPair> {
  if (identityFile === undefined || !(await exists(identityFile))) return await generateKeyPair()
  const { identities } = parseIdentityFile(new Secret(await readFile(identityFile, 'utf8')))
  const key = identities[0]?.key ?? new Secret('')
  return { key, recipient: await recipientOf(key) }
}

async function lockInto(
  repositories: readonly Created[],
  pair: KeyPair,
  signer: string,
  password: Secret,
  context: Context,
): Promise<void> {
  for (const { storage, location } of repositories) {
    if ((await listIdentities(storage, context)).some(({ name }) => name === IDENTITY_NAME)) {
      throw new Failure('refused', `${location} has a private key ${IDENTITY_NAME} already`, {
        hint: 'Enter its recipient in the configuration (holdfast key list shows it), or remove it.',
      })
    }
    await addIdentity(storage, { name: IDENTITY_NAME, password, signers: [signer], key: pair.key }, context)
    await openIdentity(storage, IDENTITY_NAME, password, context)
  }
}

async function writeIdentity(file: string, pair: KeyPair, signer: string, context: Context): Promise<void> {
  const text = formatIdentityFile({ ...pair, created: context.clock.now().toISOString(), signers: [signer] })
  await writeNewFile(file, text.reveal())
  parseIdentityFile(new Secret(await readFile(file, 'utf8')))
}

async function editConfig(config: Config, edit: (text: string) => string): Promise<void> {
  await replaceFile(config.path, edit(await readFile(config.path, 'utf8')))
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
