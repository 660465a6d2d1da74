import { loadConfig, type Config } from '../../config/load-config.ts'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { InitRequest } from './init.ts'
import { trustSigner } from '../../repository/keys/identity-store.ts'
import type { Storage } from '../../storage/storage.ts'
import { processEnvironment } from '../../system/environment.ts'
import { lockedEverywhere, planAdoptions, type Adoption } from './adoption.ts'
import { NOTHING_PROVEN, toProve, type ProvenKeys } from './adopt-keys.ts'
import { componentSchemas } from '../component-schemas.ts'
import { openLockedKeys, type LockedKeys } from '../keys/locked-keys.ts'
import { stateRecords } from '../storages/state-folder.ts'
import { openConfiguredStorage } from '../storages/configured-storage.ts'
import { exists } from '../../system/files/errno.ts'

export function readConfig(path: string): Promise<Config> {
  return loadConfig(path, { componentSchemas, environment: processEnvironment() })
}

/** What is there before anything is made. */
interface Before {
  readonly places: readonly LockedKeys[]
  readonly adoptions: readonly Adoption[]
  /** No signing key is there, so that one is made, which those who hold a locked key have to trust. */
  readonly lacksSigner: boolean
}

export async function lookAround(path: string, context: Context): Promise<Before> {
  if (!(await exists(path))) return { places: [], adoptions: [], lacksSigner: false }
  const config = await readConfig(path)
  const places = await lockedEverywhere(config, storagesOf(config, context), context)
  const file = signingFile(config)
  return {
    places: places.filter(({ identities }) => identities.length > 0),
    adoptions: planAdoptions(config, places),
    lacksSigner: file !== undefined && !(await exists(file)),
  }
}

/** Asks for the password where one is needed, so that a wrong one makes nothing. */
export async function proveKeys(
  { places, adoptions, lacksSigner }: Before,
  { currentPassword }: InitRequest,
  context: Context,
): Promise<ProvenKeys> {
  const needed = [...toProve(adoptions), ...(lacksSigner ? places : [])]
  return needed.length === 0 ? NOTHING_PROVEN : await openLockedKeys(needed, currentPassword, context)
}

/** Before the signing key is kept: a point that it signs must be trusted by who has nothing but the password. */
export async function trustEverywhere(
  signer: string,
  places: readonly LockedKeys[],
  { identities, password }: ProvenKeys,
  context: Context,
): Promise<void> {
  const opened = new Set(identities.map(({ recipient }) => recipient))
  for (const { name, recipient, storage } of places.flatMap((place) => place.identities))
    if (password !== undefined && opened.has(recipient)) await trustSigner(storage, name, password, signer, context)
}

/** Storages that need not hold a repository yet. */
export function storagesOf(config: Config, context: Context): (name: string) => Promise<Storage> {
  const records = stateRecords(config.stateFolder, context.effects)
  return async (name) => {
    const settings = config.repositories[name]
    if (settings === undefined) throw new Failure('bug', `no repository ${name}`)
    return await openConfiguredStorage(name, settings, { records, creating: true }, context)
  }
}

/** Where the signing key is kept, if in a file. */
export function signingFile({ signingKey }: Config): string | undefined {
  return /^file:(.+)$/s.exec(signingKey?.toString() ?? '')?.[1]
}
