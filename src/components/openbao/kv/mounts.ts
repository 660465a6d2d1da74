import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import { anyNames } from '../../any-names.ts'
import { parseAnswer } from '../client/client.ts'
import type { Client } from '../client/client.ts'
import { encodePath } from './kv-paths.ts'
import { reasonFor } from '../capture/not-readable.ts'
import { namespaceOf, namespacesBelow } from './namespaces.ts'
import { kvConfig } from '../schema.ts'
import type { KvConfig, OpenbaoSettings } from '../schema.ts'

/** A KV mount as it is on the server. */
export interface KvMount {
  /** From the configured namespace on, without a slash at the end. */
  readonly path: string
  /** The namespace below the configured one in which it is: the beginning of its path. */
  readonly namespace?: string
  readonly version: 1 | 2
  readonly description: string
  /** Version 2 only; null where it may not be read. */
  readonly config: KvConfig | null
}

const mountFacts = z.object({
  type: z.string(),
  description: z.string(),
  options: z.object({ version: z.string().optional() }).nullable(),
})
type MountFacts = z.infer<typeof mountFacts>
const listed = z.object({ data: anyNames(mountFacts) })
const one = z.object({ data: mountFacts })
const config = z.object({ data: kvConfig })

/** The KV mounts that the settings name, or all. A mount that is not there is left out. */
export async function findMounts(settings: OpenbaoSettings, client: Client): Promise<readonly KvMount[]> {
  const namespaces = settings.namespaces === 'all' ? await namespacesBelow(client) : []
  const facts =
    settings.mounts === undefined ? await allMounts(namespaces, client) : await namedMounts(settings.mounts, client)
  const mounts: KvMount[] = []
  for (const [path, { description, options }] of facts) {
    const version = options?.version === '2' ? 2 : 1
    const namespace = namespaceOf(path, namespaces)
    const config = version === 2 ? await readConfig(path, client) : null
    mounts.push({ path, ...(namespace === undefined ? {} : { namespace }), version, description, config })
  }
  return mounts
}

/** The list of a namespace does not show what is in those below. */
async function allMounts(namespaces: readonly string[], client: Client): Promise<(readonly [string, MountFacts])[]> {
  const found: (readonly [string, MountFacts])[] = []
  for (const prefix of ['', ...namespaces.map((namespace) => `${namespace}/`)]) {
    const answer = await client.call({ path: `${encodePath(prefix)}sys/mounts` })
    for (const [path, facts] of Object.entries(parseAnswer(answer, listed, `GET ${prefix}sys/mounts`).data))
      if (facts.type === 'kv') found.push([`${prefix}${path.replace(/\/$/, '')}`, facts])
  }
  return found
}

/** Works for every token with any right in the mount, unlike the list of all mounts. */
async function namedMounts(paths: readonly string[], client: Client): Promise<(readonly [string, MountFacts])[]> {
  const found: (readonly [string, MountFacts])[] = []
  for (const path of paths) {
    const answer = await client.call({ path: `sys/internal/ui/mounts/${encodePath(path)}`, accept: [403, 404] })
    if (answer.status !== 200) continue
    const { data } = parseAnswer(answer, one, 'GET sys/internal/ui/mounts')
    if (data.type !== 'kv')
      throw new Failure('usage', `openbao: mount ${path} is of type ${data.type} and not kv`, {
        hint: 'Take it out of mounts; only a raft snapshot holds it.',
      })
    found.push([path, data])
  }
  return found
}

async function readConfig(path: string, client: Client): Promise<KvConfig | null> {
  try {
    const answer = await client.call({ path: `${encodePath(path)}/config`, accept: [403] })
    return answer.status === 403 ? null : parseAnswer(answer, config, `GET ${path}/config`).data
  } catch (error) {
    // Whether it can be listed and read is found out, and said, later.
    if ((await reasonFor(error, client)) === undefined) throw error
    return null
  }
}
