import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import { parsed, type KubernetesClient, type Resource } from '../client.ts'

export interface CustomKind {
  readonly kind: string
  readonly group: string
  readonly plural: string
  /** For people: whose kind it is. */
  readonly of: string
}

const groupShape = z.object({ preferredVersion: z.object({ version: z.string() }) })

/** Undefined where the cluster does not know the group. Every login may ask. */
export async function versionOf(group: string, client: KubernetesClient): Promise<string | undefined> {
  const act = `ask for the versions of ${group}`
  const { status, body } = await client.call({ method: 'GET', path: `/apis/${group}`, act, expects: [404] })
  return status === 404 ? undefined : parsed(groupShape, body, act).preferredVersion.version
}

export async function resourceOf(
  { kind, group, plural, of }: CustomKind,
  namespace: string,
  client: KubernetesClient,
): Promise<Resource> {
  const version = await versionOf(group, client)
  if (version !== undefined) return { api: `/apis/${group}/${version}`, kind, plural, namespace }
  throw new Failure('unsupported', `the cluster knows no ${kind}: it has no ${of} (${group})`, {
    hint: `Take it out of suspends of the platform, or check that the context is the cluster with ${of}.`,
  })
}
