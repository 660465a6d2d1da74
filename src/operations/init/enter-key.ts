import { readFile } from 'node:fs/promises'
import type { Config } from '../../config/load-config.ts'
import { withKeys } from '../../config/starting/with-keys.ts'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { Secret } from '../../core/secret.ts'
import type { InitReport, InitRequest } from './init.ts'
import { generateKeyPair, recipientOf, type KeyPair } from '../../repository/keys/age-keys.ts'
import { formatIdentityFile, parseIdentityFile } from '../../repository/keys/identity-file.ts'
import { addIdentity, listIdentities, openIdentity } from '../../repository/keys/identity-store.ts'
import { replaceFile, writeNewFile } from '../../system/files/private-file.ts'
import { exists } from '../../system/files/errno.ts'
import type { Created } from './create-repositories.ts'

const IDENTITY_NAME = 'recovery'

/** A private key for repositories of which none has one. */
export interface NewKey {
  readonly pair: KeyPair
  /** Undefined when no repository is to hold the private key. */
  readonly password: Secret | undefined
}

export async function newKey(request: InitRequest): Promise<NewKey> {
  const pair = await keyPairOf(request)
  return { pair, password: request.password && new Secret(await request.password()) }
}

type Keys = Pick<InitReport, 'recipient' | 'identityFile' | 'lockedIdentity'>

export const NO_NEW_KEY: Keys = { recipient: null, identityFile: null, lockedIdentity: null }

/** Repositories without recipients get those of one new private key, which is proven to open before anything is encrypted for it. */
export async function enterKey(
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
    withKeys(text, {
      recipients: Object.fromEntries(lacking.map(({ name }) => [name, [pair.recipient]])),
      ...keptElsewhere(config, pair, password),
    }),
  )
  return {
    recipient: pair.recipient,
    identityFile: request.identityFile ?? null,
    lockedIdentity: password === undefined ? null : IDENTITY_NAME,
  }
}

/** Who locks the private key into no repository has said that it is kept elsewhere. */
function keptElsewhere(
  { offlineRecipients }: Config,
  { recipient }: KeyPair,
  password: Secret | undefined,
): Pick<Parameters<typeof withKeys>[1], 'offlineRecipients'> {
  if (password !== undefined || offlineRecipients.includes(recipient)) return {}
  return { offlineRecipients: [...offlineRecipients, recipient] }
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
        hint: 'Enter its recipient in the configuration (holdfast key list shows it). To restore from this repository on a new host, run holdfast init --from.',
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

export async function editConfig(config: Config, edit: (text: string) => string): Promise<void> {
  await replaceFile(config.path, edit(await readFile(config.path, 'utf8')))
}
