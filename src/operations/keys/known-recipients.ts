import type { Config } from '../../config/load-config.ts'
import { isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { recipientOf } from '../../repository/keys/age-keys.ts'
import { parseIdentityFile } from '../../repository/keys/identity-file.ts'
import { listIdentities } from '../../repository/keys/identity-store.ts'
import type { Storage } from '../../storage/storage.ts'

interface Wires {
  readonly config: Config
  readonly storage: (repository: string) => Promise<Storage>
}

/**
 * The public halves of the private keys that are known to open this repository: locked in it, or named as kept elsewhere. The
 * identity file of this host counts only while its key is locked nowhere: a host that is lost takes the file with it, and
 * a password that opens one repository of an app has to open them all.
 */
export async function knownRecipients(name: string, wires: Wires, context: Context): Promise<readonly string[]> {
  const { config } = wires
  const known = [...(await lockedIn(name, wires, context)), ...config.offlineRecipients]
  if (config.repositories[name]?.recipients.some((recipient) => known.includes(recipient)) === true) return known
  const own = await recipientsOfFile(config)
  if (own.length === 0) return known
  const others = Object.keys(config.repositories).filter((other) => other !== name)
  const locked = (await Promise.all(others.map((other) => lockedInOther(other, wires, context)))).flat()
  return [...known, ...own.filter((recipient) => !locked.includes(recipient))]
}

async function lockedIn(name: string, { storage }: Wires, context: Context): Promise<readonly string[]> {
  return (await listIdentities(await storage(name), context)).map(({ recipient }) => recipient)
}

/** Whatever is wrong with another repository is said of that one. */
async function lockedInOther(name: string, wires: Wires, context: Context): Promise<readonly string[]> {
  try {
    return await lockedIn(name, wires, context)
  } catch (error) {
    if (isFailure(error, 'cancelled') || context.signal.aborted) throw error
    return []
  }
}

/** None where the file is not on this host now. */
async function recipientsOfFile({ identity }: Config): Promise<readonly string[]> {
  if (identity === undefined) return []
  try {
    const { identities } = parseIdentityFile(await identity.resolve())
    return await Promise.all(identities.map(({ key }) => recipientOf(key)))
  } catch (error) {
    if (isFailure(error, 'notFound') || isFailure(error, 'usage')) return []
    throw error
  }
}
