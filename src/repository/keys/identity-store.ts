import { Failure, isFailure, toFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import type { Storage } from '../../storage/storage.ts'
import type { IdentityHeader } from '../documents/documents.ts'
import { createCheckedBlob, namesOf, readBlob } from '../points/blobs.ts'
import { IDENTITIES, identityName, isPlainName, parseIdentityName } from '../names.ts'
import { generateKeyPair, recipientOf } from './age-keys.ts'
import { formatIdentityFile } from './identity-file.ts'
import type { Work } from './password-key.ts'
import { checkRecipients } from './wrap.ts'
import { lockIdentity, readIdentityHeader, unlockIdentity, type UnlockedIdentity } from './identity.ts'
import { isWrongPassword } from './wrong-password.ts'

/** Password-locked private keys in a repository. None of these needs the repository to be opened first. */

export interface ListedIdentity {
  readonly name: string
  readonly recipient: string
  readonly created: string
  readonly revision: number
}

export interface NewIdentity {
  readonly name: string
  readonly password: Secret
  /** Whose points the holder of the password shall trust. */
  readonly signers: readonly string[]
  /** An existing private key; a new one is made without. */
  readonly key?: Secret
  /** What a guess at the password costs; the usual if absent. */
  readonly work?: Work
}

export interface NewPassword {
  readonly old: Secret
  readonly new: Secret
  readonly work?: Work
}

/**
 * All identities by name. Recipients are as the files say: nobody vouches for them before they are unlocked. One that cannot
 * be read is named in a warning; fails as it does only where there is no other.
 */
export async function listIdentities(storage: Storage, context: Context): Promise<readonly ListedIdentity[]> {
  const failures: Failure[] = []
  const listed: ListedIdentity[] = []
  for (const [name, all] of await revisions(storage, context)) {
    try {
      listed.push(await newestOf(all, context, (revision) => listRevision(storage, name, revision, context)))
    } catch (error) {
      failures.push(toFailure(error))
      if (context.signal.aborted) throw error
    }
  }
  if (listed.length === 0 && failures[0] !== undefined) throw failures[0]
  for (const { message } of failures) context.progress({ type: 'warning', message })
  return listed
}

async function listRevision(
  storage: Storage,
  name: string,
  revision: number,
  context: Context,
): Promise<ListedIdentity> {
  const blob = identityName(name, revision)
  const { recipient, created } = await assertNamed(await readBlob(storage, blob, context.signal), name, blob)
  return { name, recipient, created, revision }
}

/** Makes an identity and stores it locked. Fails with `refused` when the name is taken. */
export async function addIdentity(storage: Storage, request: NewIdentity, context: Context): Promise<UnlockedIdentity> {
  const { name, key } = request
  if (!isPlainName(name))
    throw new Failure('usage', `${name} is no name for an identity`, {
      hint: 'Use lower-case letters, digits and dashes.',
    })
  if ((await revisions(storage, context)).has(name))
    throw new Failure('refused', `identity ${name} exists in ${storage.location}`)
  const pair = key === undefined ? await generateKeyPair() : { key, recipient: await recipientOf(key) }
  const identity = { ...pair, name, created: context.clock.now().toISOString(), signers: request.signers }
  await createCheckedBlob(
    storage,
    identityName(name, 1),
    await lockIdentity(identity, request.password, request.work),
    context.signal,
  )
  return identity
}

/**
 * Copies a locked identity, byte for byte, into another repository, where the same password then opens it. Gives false,
 * and changes nothing, where the name is taken there by another key. A copy that is there already is left as it is.
 */
export async function copyIdentity(
  from: Storage,
  to: Storage,
  { name, recipient, revision }: ListedIdentity,
  context: Context,
): Promise<boolean> {
  const there = (await listIdentities(to, context)).find((identity) => identity.name === name)
  if (there !== undefined) return there.recipient === recipient
  const blob = identityName(name, revision)
  await createCheckedBlob(to, blob, await readBlob(from, blob, context.signal), context.signal)
  return true
}

/**
 * Opens an identity. Fails with `notFound`, `denied` when the password is wrong, or `corrupt`. A revision that is damaged, or
 * cannot be read, is passed over with a warning where an older one is still there.
 */
export async function openIdentity(
  storage: Storage,
  name: string,
  password: Secret,
  context: Context,
): Promise<UnlockedIdentity> {
  const all = await revisionsOf(storage, name, context)
  return newestOf(all, context, (revision) => openRevision(storage, name, revision, password, context))
}

/**
 * Locks an identity with a new password; its key, and so all data, stays as it is. Who kept a copy of the old file
 * still opens it with the old password.
 */
export async function changePassword(
  storage: Storage,
  name: string,
  passwords: NewPassword,
  context: Context,
): Promise<void> {
  await relock(storage, name, passwords, (identity) => identity, context)
}

/**
 * Whose points the holder of the password trusts from now on, too: a signing key that is made on a new host. Its points would
 * be nobody's for who has the repository and the password alone.
 */
export async function trustSigner(
  storage: Storage,
  name: string,
  password: Secret,
  signer: string,
  context: Context,
): Promise<void> {
  const trusting = ({ signers, ...identity }: UnlockedIdentity): UnlockedIdentity => ({
    ...identity,
    signers: [...new Set([...signers, signer])],
  })
  await relock(storage, name, { old: password, new: password }, trusting, context)
}

async function relock(
  storage: Storage,
  name: string,
  passwords: NewPassword,
  change: (identity: UnlockedIdentity) => UnlockedIdentity,
  context: Context,
): Promise<void> {
  const older = await revisionsOf(storage, name, context)
  const newest = Math.max(...older)
  const identity = change(await openIdentity(storage, name, passwords.old, context))
  // The new file is there and was read again before an older one goes: at every moment one of them can be opened.
  await createCheckedBlob(
    storage,
    identityName(name, newest + 1),
    await lockIdentity(identity, passwords.new, passwords.work),
    context.signal,
  )
  await removeRevisions(storage, name, older, context)
}

/** Removes an identity. Points stay encrypted to its recipient until they are wrapped again. */
export async function removeIdentity(storage: Storage, name: string, context: Context): Promise<void> {
  await removeRevisions(storage, name, await revisionsOf(storage, name, context), context)
}

/** The identity as a file that stock `age` and recover.py read. */
export async function exportIdentity(
  storage: Storage,
  name: string,
  password: Secret,
  context: Context,
): Promise<Secret> {
  return formatIdentityFile(await openIdentity(storage, name, password, context))
}

async function openRevision(
  storage: Storage,
  name: string,
  revision: number,
  password: Secret,
  context: Context,
): Promise<UnlockedIdentity> {
  const blob = identityName(name, revision)
  const bytes = await readBlob(storage, blob, context.signal)
  // Before the password: with another name or recipient in its header it would look wrong, however right it is.
  await assertNamed(bytes, name, blob)
  return unlockIdentity(bytes, password, `identity ${name}`).catch((error: unknown) => {
    throw isFailure(error, 'corrupt') ? new Failure('corrupt', `${blob}: ${error.message}`, { cause: error }) : error
  })
}

/**
 * What `act` gives for the newest revision that is whole and can be read. A newer format ends it, and so does a wrong
 * password: an older one is not what it is for.
 */
async function newestOf<Result>(
  all: readonly number[],
  context: Context,
  act: (revision: number) => Promise<Result>,
): Promise<Result> {
  const failures: Failure[] = []
  for (const revision of all.toReversed()) {
    try {
      const result = await act(revision)
      for (const { message } of failures) context.progress({ type: 'warning', message })
      return result
    } catch (error) {
      if (isFailure(error, 'cancelled') || isFailure(error, 'unsupported')) throw error
      // It may be that of the newer one, which is damaged.
      if (isWrongPassword(error)) throw failures[0] ?? error
      failures.push(toFailure(error))
    }
  }
  throw failures.find(({ kind }) => kind !== 'corrupt') ?? failures[0]
}

async function assertNamed(bytes: Uint8Array, name: string, blob: string): Promise<IdentityHeader> {
  const header = readIdentityHeader(bytes, blob)
  if (header.name !== name) throw new Failure('corrupt', `${blob} is the identity ${header.name}`)
  await checkRecipients([header.recipient]).catch((cause: unknown) => {
    throw new Failure('corrupt', `${blob} is not what was written: its recipient is none`, { cause })
  })
  return header
}

/** Oldest first: when this is cut off, the newest still counts, and no older password comes back to life. */
async function removeRevisions(
  storage: Storage,
  name: string,
  all: readonly number[],
  context: Context,
): Promise<void> {
  for (const revision of all) await storage.remove(identityName(name, revision), context.signal)
}

async function revisionsOf(storage: Storage, name: string, context: Context): Promise<readonly number[]> {
  const all = (await revisions(storage, context)).get(name)
  if (all === undefined) throw new Failure('notFound', `there is no identity ${name} in ${storage.location}`)
  return all
}

async function revisions(storage: Storage, context: Context): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, number[]>()
  for (const blob of await namesOf(storage, IDENTITIES, context.signal)) {
    const parsed = parseIdentityName(blob)
    if (parsed !== undefined)
      found.set(
        parsed.name,
        [...(found.get(parsed.name) ?? []), parsed.revision].sort((a, b) => a - b),
      )
  }
  return found
}
