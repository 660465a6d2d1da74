import { resolve } from 'node:path'
import type { Config } from '../../config/load-config.ts'
import { withKeys } from '../../config/starting/with-keys.ts'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Finding } from '../../core/restore-point.ts'
import {
  initOrder,
  type CopiedIdentity,
  type InitOrder,
  type InitPasswords,
  type InitPlan,
  type InitReport,
  type InitRequest,
} from './init.ts'
import { closedFinding } from '../keys/closed-finding.ts'
import { generateSigner, parseSigner } from '../../repository/keys/signer.ts'
import { processEnvironment } from '../../system/environment.ts'
import { writeNewFile } from '../../system/files/private-file.ts'
import { exists } from '../../system/files/errno.ts'
import type { Adoption } from './adoption.ts'
import { adoptKeys, NOTHING_PROVEN, type ProvenKeys } from './adopt-keys.ts'
import { createAll, type Created } from './create-repositories.ts'
import { editConfig, enterKey, newKey, NO_NEW_KEY } from './enter-key.ts'
import { planFound, type AskedApp } from './found/plan-found.ts'
import { initializeFrom } from './initialize-from.ts'
import { startingText } from './starting-text.ts'
import { knownRecipients } from '../keys/known-recipients.ts'
import { lookAround, proveKeys, readConfig, signingFile, storagesOf, trustEverywhere } from './look-around.ts'

/** What is asked of init: an order, or an app that is still to be found. */
export type AskedInit = Partial<Omit<InitOrder, 'found' | 'profile'>> & { readonly find?: AskedApp }

/**
 * Judges the options, looks for the app that is to be found, and tries a starting configuration; changes nothing and asks for
 * no password. What was found is in the order: what was planned is what is written.
 */
export async function planInit({ find, ...request }: AskedInit, context: Context): Promise<InitPlan> {
  const path = resolve(request.configPath ?? processEnvironment().variables['HOLDFAST_CONFIG'] ?? 'holdfast.yaml')
  const order = initOrder.parse({ ...request, configPath: path })
  const configExists = await exists(path)
  const isNew = !configExists && order.from === undefined
  if (find !== undefined && (order.from ?? order.template) !== undefined) throw twice(order)
  const whole: InitOrder = find === undefined ? order : { ...order, profile: find.profile }
  const found = find !== undefined && isNew ? { found: await planFound(find, context) } : {}
  if (isNew) startingText(path, { ...whole, ...found })
  return { order: { ...whole, ...found }, configExists }
}

function twice({ from }: InitOrder): Failure {
  const other = from === undefined ? '--app' : '--from'
  return new Failure('usage', `--profile and ${other} each write a configuration`, { hint: 'Leave one of them out.' })
}

/**
 * Writes a starting configuration where there is none, makes the keys it lacks, and creates its repositories. One that was
 * added to others gets their locked private keys. Nothing that exists is overwritten; a run that was cut off is repeated.
 * What the operator is asked for, and a key that they brought, is looked at before anything is made.
 */
export async function runInit(order: InitOrder, passwords: InitPasswords, context: Context): Promise<InitReport> {
  const request: InitRequest = { ...order, ...passwords }
  const path = order.configPath
  if (request.from !== undefined) return await initializeFrom(path, request.from, request, context)
  const before = await lookAround(path, context)
  const { adoptions } = before
  const start = (await exists(path)) ? undefined : startingText(path, request)
  const key = adoptions.every(({ recipients }) => recipients.length === 0) ? await newKey(request) : undefined
  const locks = request.password !== undefined
  const proven = locks ? await proveKeys(before, request, context) : NOTHING_PROVEN
  if (start !== undefined) await writeNewFile(path, start)
  const config = await readConfig(path)
  const signer = await ensureSigner(config, (id) => trustEverywhere(id, before.places, proven, context))
  const repositories = await createAll(config, storagesOf(config, context), context)
  const copiedIdentities = locks ? await adoptAll(adoptions, repositories, proven, context) : []
  const keys =
    key === undefined ? NO_NEW_KEY : await enterKey(config, repositories, { ...key, signer }, request, context)
  if (key === undefined) await enterRecipients(config, adoptions)
  return {
    configPath: path,
    configWritten: start !== undefined,
    signer,
    ...keys,
    copiedIdentities,
    repositories: repositories.map(({ name, location, outcome, id }) => ({ name, location, outcome, id })),
    ...foundOf(request, start !== undefined),
    findings: [
      ...(start === undefined ? passedOver(path, request) : []),
      ...repositories.flatMap(({ findings }) => findings),
      ...(await closedOnes(path, repositories, context)),
    ],
  }
}

function foundOf({ found }: InitRequest, isWritten: boolean): Pick<InitReport, 'found'> {
  if (found === undefined || !isWritten) return {}
  const { text: _text, ...told } = found
  return { found: told }
}

async function adoptAll(
  adoptions: readonly Adoption[],
  repositories: readonly Created[],
  proven: ProvenKeys,
  context: Context,
): Promise<readonly CopiedIdentity[]> {
  const copied: CopiedIdentity[] = []
  for (const adoption of adoptions) {
    const to = repositories.find(({ name }) => name === adoption.repository)?.storage
    if (to !== undefined) copied.push(...(await adoptKeys(adoption, to, proven, context)))
  }
  return copied
}

/** After the locked keys: at no moment is a point encrypted for a key that its repository does not have. */
async function enterRecipients(config: Config, adoptions: readonly Adoption[]): Promise<void> {
  const lacking = adoptions.filter(({ repository }) => config.repositories[repository]?.recipients.length === 0)
  const recipients = Object.fromEntries(lacking.map(({ repository, recipients }) => [repository, recipients]))
  if (lacking.length > 0) await editConfig(config, (text) => withKeys(text, { recipients }))
}

/** What init leaves behind that nobody could open. */
async function closedOnes(
  path: string,
  repositories: readonly Created[],
  context: Context,
): Promise<readonly Finding[]> {
  const config = await readConfig(path)
  const storage = storagesOf(config, context)
  const looked = await Promise.all(
    repositories.map(({ name, location, storage: own }) =>
      closedFinding(
        {
          location,
          recipients: config.repositories[name]?.recipients ?? [],
          knownRecipients: () =>
            knownRecipients(
              name,
              { config, storage: (of) => (of === name ? Promise.resolve(own) : storage(of)) },
              context,
            ),
        },
        context,
      ),
    ),
  )
  return looked.filter((finding) => finding !== undefined)
}

/** Of a file that is there nothing is changed, and who asked for that is told. */
function passedOver(path: string, { repositoryUrl, template, profile }: InitRequest): readonly Finding[] {
  const asked = { '--repository': repositoryUrl, '--app': template, '--profile': profile }
  return Object.entries(asked)
    .filter(([, value]) => value !== undefined)
    .map(([subject]) => ({
      level: 'warning',
      subject,
      message: `is for a new configuration; ${path} is there and is used as it is`,
      hint: 'Edit the file, or move it away and run holdfast init again.',
    }))
}

/** The signing key is made when its file is missing, and pinned in the configuration. */
async function ensureSigner(config: Config, trust: (id: string) => Promise<void>): Promise<string> {
  const reference = config.signingKey
  if (reference === undefined)
    throw new Failure('usage', `${config.path} names no signingKey`, {
      hint: 'Add signingKey: file:/path; the file is made by holdfast init.',
    })
  const file = signingFile(config)
  if (file !== undefined && !(await exists(file))) {
    const made = generateSigner()
    await trust(made.signer.id)
    await writeNewFile(file, made.file.reveal())
  }
  const { id } = parseSigner(await reference.resolve())
  if (!config.signers.includes(id))
    await editConfig(config, (text) => withKeys(text, { signers: [...config.signers, id] }))
  return id
}
