import { Failure } from '../core/failure.ts'
import type { Context } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import type { CopiedIdentity, CurrentPassword } from '../operations/init/init.ts'
import { addIdentity, copyIdentity, listIdentities } from '../repository/keys/identity-store.ts'
import type { UnlockedIdentity } from '../repository/keys/identity.ts'
import type { Storage } from '../storage/storage.ts'
import type { Adoption, Copy } from './adoption.ts'
import { openLockedKeys } from './locked-keys.ts'

/** Private keys that a password was seen to open, before anything is made. */
export interface ProvenKeys {
  readonly identities: readonly UnlockedIdentity[]
  readonly password: Secret | undefined
}

export const NOTHING_PROVEN: ProvenKeys = { identities: [], password: undefined }

/** Asks for the password where a repository has no key yet: a key that nobody opens is no use in a second place. */
export async function proveKeys(
  adoptions: readonly Adoption[],
  password: CurrentPassword,
  context: Context,
): Promise<ProvenKeys> {
  const places = adoptions.filter(needsProof).map(({ repository, copies }) => ({
    repository,
    identities: copies.map(({ from, identity }) => ({ ...identity, storage: from })),
  }))
  return places.length === 0 ? NOTHING_PROVEN : await openLockedKeys(places, password, context)
}

function needsProof({ isClosed, copies }: Adoption): boolean {
  return isClosed && copies.length > 0
}

/**
 * Copies the locked keys that a repository lacks. A run that was cut off is repeated. One that has no key yet gets none
 * unless the password opened one of them.
 */
export async function adoptKeys(
  adoption: Adoption,
  to: Storage,
  proven: ProvenKeys,
  context: Context,
): Promise<readonly CopiedIdentity[]> {
  const isProven = adoption.copies.some(({ identity }) => provenOf(identity.recipient, proven) !== undefined)
  if (needsProof(adoption) && !isProven) return []
  // The proven one first: a run that is cut off between two must not leave one that nobody tried.
  const copies = adoption.copies.toSorted((a, b) => Number(isIn(b, proven)) - Number(isIn(a, proven)))
  const made: CopiedIdentity[] = []
  for (const copy of copies) made.push(await adoptOne(copy, { repository: adoption.repository, to }, proven, context))
  return made
}

async function adoptOne(
  { from, identity }: Copy,
  { repository, to }: { readonly repository: string; readonly to: Storage },
  proven: ProvenKeys,
  context: Context,
): Promise<CopiedIdentity> {
  const { name, recipient } = identity
  if (await copyIdentity(from, to, identity, context)) return { repository, name, recipient }
  const unlocked = provenOf(recipient, proven)
  if (unlocked === undefined || proven.password === undefined)
    throw new Failure('refused', `${to.location} has another private key of the name ${name}`, {
      hint: 'Run holdfast init with the password of the one that is to be copied: it then gets another name here.',
    })
  const free = await freeName(name, to, context)
  const { key, signers } = unlocked
  await addIdentity(to, { name: free, password: proven.password, signers, key }, context)
  return { repository, name: free, recipient }
}

function isIn({ identity }: Copy, proven: ProvenKeys): boolean {
  return provenOf(identity.recipient, proven) !== undefined
}

function provenOf(recipient: string, { identities }: ProvenKeys): UnlockedIdentity | undefined {
  return identities.find((identity) => identity.recipient === recipient)
}

async function freeName(name: string, storage: Storage, context: Context): Promise<string> {
  const taken = (await listIdentities(storage, context)).map((identity) => identity.name)
  for (let number = 2; ; number += 1) {
    const free = `${name.slice(0, 56)}-${number}`
    if (!taken.includes(free)) return free
  }
}
