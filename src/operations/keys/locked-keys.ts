import { describe, Failure, isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { Secret } from '../../core/secret.ts'
import { listIdentities, openIdentity, type ListedIdentity } from '../../repository/keys/identity-store.ts'
import type { UnlockedIdentity } from '../../repository/keys/identity.ts'
import { isWrongPassword, wrongPassword } from '../../repository/keys/wrong-password.ts'
import type { CurrentPassword } from '../init/init.ts'
import type { Storage } from '../../storage/storage.ts'

/** A locked private key and where it lies. */
export interface LockedKey extends ListedIdentity {
  readonly storage: Storage
}

/** The locked private keys of which any opens one repository. */
export interface LockedKeys {
  readonly repository: string
  readonly identities: readonly LockedKey[]
}

export interface OpenedKeys {
  readonly identities: readonly UnlockedIdentity[]
  readonly password: Secret
}

/** What lies locked in each repository. One that cannot be read is passed over with a warning while another has keys. */
export async function readLockedKeys(
  names: readonly string[],
  storage: (repository: string) => Promise<Storage>,
  context: Context,
): Promise<readonly LockedKeys[]> {
  const found: LockedKeys[] = []
  let problem: unknown
  for (const repository of names) {
    try {
      const opened = await storage(repository)
      const identities = await listIdentities(opened, context)
      found.push({ repository, identities: identities.map((identity) => ({ ...identity, storage: opened })) })
    } catch (error) {
      if (isFailure(error, 'cancelled') || context.signal.aborted) throw error
      problem ??= error
      context.progress({
        type: 'warning',
        message: `no private key is looked for in ${repository}: ${describe(error)}`,
      })
    }
  }
  const usable = found.filter(({ identities }) => identities.length > 0)
  if (usable.length === 0 && problem !== undefined) throw problem
  return usable
}

/**
 * Opens a private key of each repository with one password. Each person's password locks a key of their own; whose it is
 * need not be said. A repository whose keys it does not open is passed over with a warning, unless it opens none at all.
 */
export async function openLockedKeys(
  places: readonly LockedKeys[],
  password: CurrentPassword,
  context: Context,
): Promise<OpenedKeys> {
  const names = [...new Set(places.flatMap(({ identities }) => identities.map(({ name }) => name)))]
  for (let attempt = 1; ; attempt += 1) {
    const again = attempt === 1 ? '' : ` (try ${attempt} of ${password.tries})`
    const given = new Secret(await password.ask(`${names.join(' or ')}${again}`))
    try {
      return { identities: await openEach(places, given, context), password: given }
    } catch (error) {
      if (!isWrongPassword(error) || attempt >= password.tries) throw error
      context.progress({ type: 'warning', message: describe(error) })
    }
  }
}

async function openEach(
  places: readonly LockedKeys[],
  password: Secret,
  context: Context,
): Promise<readonly UnlockedIdentity[]> {
  const opened: UnlockedIdentity[] = []
  const problems: Failure[] = []
  for (const place of places) {
    const isOpen = place.identities.some(({ recipient }) => opened.some((one) => one.recipient === recipient))
    if (isOpen) continue
    try {
      opened.push(await openAny(place, password, context))
    } catch (error) {
      if (!(error instanceof Failure) || error.kind === 'cancelled') throw error
      problems.push(error)
    }
  }
  // A damaged key beside a wrong password: the password is asked for again.
  if (opened.length === 0) throw problems.find(isWrongPassword) ?? problems[0]
  for (const { message } of problems) context.progress({ type: 'warning', message })
  return opened
}

async function openAny(
  { repository, identities }: LockedKeys,
  password: Secret,
  context: Context,
): Promise<UnlockedIdentity> {
  const problems: unknown[] = []
  for (const { name, storage } of identities) {
    try {
      return await openIdentity(storage, name, password, context)
    } catch (error) {
      if (!(error instanceof Failure) || error.kind === 'cancelled') throw error
      problems.push(error)
    }
  }
  const other = problems.find((error) => !isWrongPassword(error))
  if (other !== undefined || problems.length === 1) throw other ?? problems[0]
  const names = identities.map(({ name }) => name).join(', ')
  throw wrongPassword(`the password opens none of the private keys ${names} of repository ${repository}`, problems[0])
}
