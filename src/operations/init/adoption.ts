import type { Config } from '../../config/load-config.ts'
import type { Context } from '../../core/ports.ts'
import { listIdentities } from '../../repository/keys/identity-store.ts'
import type { Storage } from '../../storage/storage.ts'
import type { LockedKey, LockedKeys } from '../keys/locked-keys.ts'

/** What a repository lacks of the private keys that the other repositories of its apps have. */
export interface Adoption {
  readonly repository: string
  /** Whom its points are to be encrypted for; none where no other repository says so. */
  readonly recipients: readonly string[]
  /** Locked keys of these recipients, which lie in another repository and not in this one. */
  readonly copies: readonly LockedKey[]
  /** No key of these recipients lies here: nobody opens its points with a password. */
  readonly isClosed: boolean
}

/** What lies locked in all repositories of a configuration, also in those that are no repositories yet. */
export async function lockedEverywhere(
  config: Config,
  storage: (repository: string) => Promise<Storage>,
  context: Context,
): Promise<readonly LockedKeys[]> {
  const places: LockedKeys[] = []
  for (const repository of Object.keys(config.repositories)) {
    const opened = await storage(repository)
    const identities = await listIdentities(opened, context)
    places.push({ repository, identities: identities.map((identity) => ({ ...identity, storage: opened })) })
  }
  return places
}

/** What each repository of a configuration is to get of the others' keys. */
export function planAdoptions(config: Config, places: readonly LockedKeys[]): readonly Adoption[] {
  return places.map((place) => adoptionOf(place, places, config))
}

function adoptionOf({ repository, identities }: LockedKeys, places: readonly LockedKeys[], config: Config): Adoption {
  const recipients = recipientsFor(repository, config)
  const isHere = (recipient: string): boolean => identities.some((identity) => identity.recipient === recipient)
  const copies = recipients
    .filter((recipient) => !isHere(recipient))
    .flatMap((recipient) => copyOf(recipient, places) ?? [])
  return { repository, recipients, copies, isClosed: !recipients.some(isHere) }
}

function copyOf(recipient: string, places: readonly LockedKeys[]): LockedKey | undefined {
  return places.flatMap(({ identities }) => identities).find((one) => one.recipient === recipient)
}

/** Its own, else those of the repositories of the same apps, else those of any other. */
function recipientsFor(name: string, { repositories, apps }: Config): readonly string[] {
  const own = repositories[name]?.recipients ?? []
  if (own.length > 0) return own
  const sharing = Object.values(apps).filter((app) => app.repositories.includes(name))
  const ofSameApps = union(sharing.flatMap((app) => app.repositories.map((other) => repositories[other]?.recipients)))
  if (ofSameApps.length > 0) return ofSameApps
  return union(Object.values(repositories).map(({ recipients }) => recipients))
}

function union(lists: readonly (readonly string[] | undefined)[]): readonly string[] {
  return [...new Set(lists.flatMap((list) => list ?? []))]
}
