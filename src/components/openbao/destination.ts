import { z } from 'zod'
import { throwIfCancelled } from '../../core/cancelled.ts'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { referenceText, type PlaceRelation, type RestoreDestination } from '../capabilities/destination.ts'
import { openbaoSettings, type OpenbaoSettings } from './schema.ts'

const { address, namespace, ca } = openbaoSettings.shape

/** The same mounts of another server or of another namespace. */
export const openbaoDestination: RestoreDestination<OpenbaoSettings> = {
  settings: z
    .strictObject({ address, namespace: namespace.unwrap(), ca: ca.unwrap(), restoreToken: referenceText })
    .partial(),
  // Other nodes are of the configured cluster, and one of them would be asked. Another server is reached by its address.
  without: (given) => ['otherNodes', ...(given.includes('address') ? ['reach', 'through'] : [])],
  relation,
}

async function relation(one: OpenbaoSettings, other: OpenbaoSettings, context: Context): Promise<PlaceRelation> {
  const [names, otherNames] = [namesOf(one), namesOf(other)]
  const isAlike = one.address === other.address && one.through?.name === other.through?.name
  if (isAlike && names === otherNames) return 'same'
  if (!names.startsWith(otherNames) && !otherNames.startsWith(names)) return 'apart'
  if (areOtherMounts(one, other)) return 'apart'
  if (isAlike) return 'overlapping'
  const [cluster, otherCluster] = [await clusterOf(one, context), await clusterOf(other, context)]
  if (cluster === undefined || otherCluster === undefined) throw unknownCluster(one, other)
  return cluster === otherCluster ? 'overlapping' : 'apart'
}

function areOtherMounts({ mounts }: OpenbaoSettings, { mounts: others }: OpenbaoSettings): boolean {
  return mounts !== undefined && others !== undefined && !mounts.some((mount) => others.includes(mount))
}

/** What is in a namespace has its name before its own. */
function namesOf({ namespace: named = '' }: OpenbaoSettings): string {
  const parts = named.split('/').filter((part) => part !== '')
  return parts.map((part) => `${part}/`).join('')
}

/** A cluster has one id for all of its servers; undefined where it does not say. */
async function clusterOf(settings: OpenbaoSettings, context: Context): Promise<string | undefined> {
  const [{ withClient }, { readSealStatus }] = [
    await import('./client/connect.ts'),
    await import('./capture/server-facts.ts'),
  ]
  try {
    return (await withClient(settings, 'restore', context, readSealStatus)).cluster_id
  } catch (error) {
    throwIfCancelled(error, context.signal)
    return undefined
  }
}

function unknownCluster(one: OpenbaoSettings, other: OpenbaoSettings): Failure {
  return new Failure('refused', `nobody can tell whether ${one.address} and ${other.address} are one cluster`, {
    hint: 'Both servers have to be reached and unsealed for that. Or restore into another namespace.',
  })
}
