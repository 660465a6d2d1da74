import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { requireActive } from '../client/active-server.ts'
import { failureOf } from '../client/answers.ts'
import type { Client } from '../client/client.ts'
import type { KvMount } from '../kv/mounts.ts'
import { requireNamespace } from './product.ts'
import type { OpenbaoSettings } from '../schema.ts'
import { readSealStatus } from './server-facts.ts'
import type { SealStatus } from './server-facts.ts'

/** Says at once what would otherwise be waited for, and lets nobody take the answers of a standby for the newest. */
export async function requireReady(client: Client, context: Context): Promise<SealStatus> {
  const status = await readSealStatus(client)
  if (!status.initialized) throw failureOf({ status: 501, body: undefined }, 'look at the seal')
  if (status.sealed) throw failureOf({ status: 503, body: { errors: ['sealed'] } }, 'look at the seal')
  await requireActive(client, context)
  await requireNamespace(client)
  return status
}

/** Those that are named and not there, where there are others: they make a capture incomplete, as no empty mount does. */
export function absentMounts(settings: OpenbaoSettings, mounts: readonly KvMount[]): readonly string[] {
  if (mounts.length === 0) requireMounts(settings, mounts)
  return namedAndAbsent(settings, mounts).map(
    (path) => `There is no KV mount ${path} that this token may use, so nothing of it is in the point`,
  )
}

function namedAndAbsent(settings: OpenbaoSettings, mounts: readonly KvMount[]): readonly string[] {
  return (settings.mounts ?? []).filter((path) => !mounts.some((mount) => mount.path === path))
}

/** All that are named must be there. */
export function requireMounts(settings: OpenbaoSettings, mounts: readonly KvMount[]): void {
  const missing = namedAndAbsent(settings, mounts)
  if (missing.length > 0)
    throw new Failure(
      'notFound',
      `openbao at ${settings.address} has no KV mount ${missing.join(', ')} that this token may use`,
      {
        hint: 'Correct mounts in the configuration, or give the token the rights that holdfast rights openbao prints.',
      },
    )
  if (mounts.length === 0)
    throw new Failure('notFound', `openbao at ${settings.address} has no KV mount`, {
      hint: 'Check address and namespace.',
    })
}
