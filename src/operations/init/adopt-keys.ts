import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { CopiedIdentity } from './init.ts'
import { addIdentity, copyIdentity, listIdentities } from '../../repository/keys/identity-store.ts'
import type { UnlockedIdentity } from '../../repository/keys/identity.ts'
import type { Storage } from '../../storage/storage.ts'
import type { Adoption } from './adoption.ts'
import type { LockedKey, LockedKeys, OpenedKeys } from '../keys/locked-keys.ts'

/** Private keys that a password was seen to open, before anything is made. */
export type ProvenKeys = Pick<OpenedKeys, 'identities'> & Partial<OpenedKeys>

export const NOTHING_PROVEN: ProvenKeys = { identities: [] }

/** The keys of which a password has to open one before they are copied: one that nobody opens is no use in a second place. */
export function toProve(adoptions: readonly Adoption[]): readonly LockedKeys[] {
  return adoptions.filter(needsProof).map(({ repository, copies }) => ({ repository, identities: copies }))
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
  const isProven = adoption.copies.some((copy) => isIn(copy, proven))
  if (needsProof(adoption) && !isProven) return []
  // The proven one first: a run that is cut off between two must not leave one that nobody tried.
  const copies = adoption.copies.toSorted((a, b) => Number(isIn(b, proven)) - Number(isIn(a, proven)))
  const made: CopiedIdentity[] = []
  for (const copy of copies) made.push(await adoptOne(copy, { repository: adoption.repository, to }, proven, context))
  return made
}

async function adoptOne(
  copy: LockedKey,
  { repository, to }: { readonly repository: string; readonly to: Storage },
  proven: ProvenKeys,
  context: Context,
): Promise<CopiedIdentity> {
  const { name, recipient } = copy
  if (await copyIdentity(copy.storage, to, copy, context)) return { repository, name, recipient }
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

function isIn({ recipient }: LockedKey, proven: ProvenKeys): boolean {
  return provenOf(recipient, proven) !== undefined
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
