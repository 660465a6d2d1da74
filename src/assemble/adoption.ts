import type { Config } from '../config/load-config.ts'
import type { Context } from '../core/ports.ts'
import { listIdentities, type ListedIdentity } from '../repository/keys/identity-store.ts'
import type { Storage } from '../storage/storage.ts'

/** What a repository lacks of the private keys that the other repositories of its apps have. */
export interface Adoption {
  readonly repository: string
  /** Whom its points are to be encrypted for; none where no other repository says so. */
  readonly recipients: readonly string[]
  /** Locked keys of these recipients, which lie in another repository and not in this one. */
  readonly copies: readonly Copy[]
  /** No key of these recipients lies here: nobody opens its points with a password. */
  readonly isClosed: boolean
}

export interface Copy {
  readonly from: Storage
  readonly identity: ListedIdentity
}

interface Place {
  readonly name: string
  readonly storage: Storage
  readonly identities: readonly ListedIdentity[]
}

/** Looks at all repositories of a configuration; changes nothing. */
export async function planAdoptions(
  config: Config,
  storage: (repository: string) => Promise<Storage>,
  context: Context,
): Promise<readonly Adoption[]> {
  const places: Place[] = []
  for (const name of Object.keys(config.repositories)) {
    const opened = await storage(name)
    places.push({ name, storage: opened, identities: await listIdentities(opened, context) })
  }
  return places.map((place) => adoptionOf(place, places, config))
}

function adoptionOf({ name, identities }: Place, places: readonly Place[], config: Config): Adoption {
  const recipients = recipientsFor(name, config)
  const isHere = (recipient: string): boolean => identities.some((identity) => identity.recipient === recipient)
  const copies = recipients
    .filter((recipient) => !isHere(recipient))
    .flatMap((recipient) => copyOf(recipient, places) ?? [])
  return { repository: name, recipients, copies, isClosed: !recipients.some(isHere) }
}

function copyOf(recipient: string, places: readonly Place[]): Copy | undefined {
  for (const { storage, identities } of places) {
    const identity = identities.find((one) => one.recipient === recipient)
    if (identity !== undefined) return { from: storage, identity }
  }
  return undefined
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
