import { z } from 'zod'
import { isFailure } from '../../../core/failure.ts'
import type { Thing } from '../../surroundings.ts'
import { parsed, type KubernetesClient } from '../client.ts'
import { resourceOf } from '../pause/discover.ts'

const KIND = { kind: 'postgresql', group: 'acid.zalan.do', plural: 'postgresqls', of: 'operator of Zalando' }
const declared = z.object({
  spec: z.object({
    databases: z.record(z.string(), z.unknown()).nullish(),
    preparedDatabases: z.record(z.string(), z.unknown()).nullish(),
  }),
})

/** The databases that a cluster of Zalando's operator is to have; none where the login may not see it. */
export async function declaredDatabases(
  { labels, reach }: Thing,
  namespace: string,
  client: KubernetesClient,
): Promise<readonly string[]> {
  const name = labels['cluster-name']
  if (reach?.['cluster'] === undefined || name === undefined) return []
  try {
    const body = await client.get(await resourceOf(KIND, namespace, client), name)
    if (body === undefined) return []
    const { databases, preparedDatabases } = parsed(declared, body, `read postgresql ${name}`).spec
    return [...Object.keys(databases ?? {}), ...Object.keys(preparedDatabases ?? {})].toSorted()
  } catch (error) {
    if (isFailure(error, 'unsupported') || isFailure(error, 'denied')) return []
    throw error
  }
}
