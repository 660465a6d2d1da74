import type { Config } from '../../config/load-config.ts'
import { Failure, isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Finding } from '../../core/restore-point.ts'
import { createRepository } from '../../repository/create.ts'
import { noMemory } from '../../repository/memory.ts'
import { HOLDFAST } from '../../repository/names.ts'
import { openRepository } from '../../repository/open.ts'
import { probeStorage } from '../../storage/probe.ts'
import type { Storage } from '../../storage/storage.ts'
import { software } from '../../system/process/software.ts'
import { kindOf } from '../storages/configured-storage.ts'

/** A repository of the configuration, which is there now. */
export interface Created {
  readonly name: string
  readonly location: string
  readonly storage: Storage
  readonly outcome: 'created' | 'exists'
  readonly id: string
  /** What its storage does not do as it should, without which backups still work. */
  readonly findings: readonly Finding[]
}

/** Creates the repositories that are not there yet. */
export async function createAll(
  config: Config,
  open: (name: string) => Promise<Storage>,
  context: Context,
): Promise<readonly Created[]> {
  const created: Created[] = []
  for (const [name, settings] of Object.entries(config.repositories)) {
    const storage = await open(name)
    const findings = kindOf(settings).isTried ? await tryOut(storage, context) : []
    created.push({ name, location: settings.url, storage, findings, ...(await createOne(storage, context)) })
  }
  return created
}

/** A server that lacks what later commands need holds no new repository: it is known now, and not after the first backup. */
async function tryOut(storage: Storage, { clock, signal }: Context): Promise<readonly Finding[]> {
  if (await isRepository(storage, signal)) return []
  const findings = (await probeStorage(storage, clock, signal)).findings.filter(({ level }) => level !== 'ok')
  const [lacking] = findings.filter(({ level }) => level === 'error')
  if (lacking === undefined) return findings
  const { subject, message, hint } = lacking
  throw new Failure(
    'unsupported',
    `${storage.location} cannot hold a repository: ${subject}: ${message}`,
    hint === undefined ? {} : { hint },
  )
}

async function isRepository(storage: Storage, signal: AbortSignal): Promise<boolean> {
  try {
    await storage.stat(HOLDFAST, signal)
    return true
  } catch (error) {
    if (isFailure(error, 'notFound')) return false
    throw error
  }
}

async function createOne(storage: Storage, context: Context): Promise<Pick<Created, 'outcome' | 'id'>> {
  try {
    const { repository } = await createRepository(storage, { software }, context)
    return { outcome: 'created', id: repository }
  } catch (error) {
    if (!isFailure(error, 'refused')) throw error
    // Opening it tells a repository from a folder with other files in it.
    const existing = await openRepository(storage, { trustedSigners: [], memory: noMemory, software }, context)
    return { outcome: 'exists', id: existing.id }
  }
}
