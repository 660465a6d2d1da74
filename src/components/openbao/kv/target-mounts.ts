import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import type { Client } from '../client/client.ts'
import { encodePath } from './kv-paths.ts'
import { findMounts } from './mounts.ts'
import type { KvMount } from './mounts.ts'
import { isSameConfig } from '../restore/same.ts'
import { walk } from './walk.ts'
import type { CapturedMount, OpenbaoDetails, OpenbaoSettings } from '../schema.ts'

/** The mounts of the target that a restore point is about, by path. Missing ones are made where the settings allow it. */
export async function targetMounts(
  details: OpenbaoDetails,
  settings: OpenbaoSettings,
  client: Client,
  context: Context,
): Promise<ReadonlyMap<string, KvMount>> {
  const live = await liveMounts(details, settings, client)
  for (const captured of details.mounts) {
    const there = live.get(captured.path)
    if (there === undefined) live.set(captured.path, await make(captured, settings, client, context))
    else if (there.version !== captured.version) throw otherVersion(captured, there)
  }
  return live
}

async function liveMounts(
  details: OpenbaoDetails,
  settings: OpenbaoSettings,
  client: Client,
): Promise<Map<string, KvMount>> {
  const named = { ...settings, mounts: details.mounts.map(({ path }) => path) }
  return new Map((await findMounts(named, client)).map((mount) => [mount.path, mount]))
}

async function make(
  captured: CapturedMount,
  { createMounts }: OpenbaoSettings,
  client: Client,
  context: Context,
): Promise<KvMount> {
  const { path, namespace, version, description } = captured
  if (!createMounts)
    throw new Failure('refused', `openbao: the KV mount ${path} is not there`, { hint: missingHint(captured) })
  if (namespace !== undefined) await makeNamespaces(namespace, client, context)
  await context.effects.run(`openbao: make mount ${path}`, async () => {
    const body = { type: 'kv', description, options: { version: String(version) } }
    await client.call({ method: 'POST', path: encodePath(mountRequest(captured)), body })
  })
  return { path, ...(namespace === undefined ? {} : { namespace }), version, description, config: null }
}

type NamedMount = Pick<CapturedMount, 'path' | 'namespace'> | Pick<KvMount, 'path' | 'namespace'>

/** Where a mount of this path is made: a namespace comes before `sys`. */
export function mountRequest({ path, namespace }: NamedMount): string {
  return namespace === undefined ? `sys/mounts/${path}` : `${namespace}/sys/mounts/${path.slice(namespace.length + 1)}`
}

/** Each on the way that is missing: one inside a missing one cannot be made. One that is there is left as it is. */
async function makeNamespaces(namespace: string, client: Client, context: Context): Promise<void> {
  for (const path of namespaceRequests(namespace)) {
    if ((await client.call({ path: encodePath(path), accept: [404] })).status !== 404) continue
    await context.effects.run(`openbao: make namespace ${path}`, async () => {
      await client.call({ method: 'POST', path: encodePath(path), body: {} })
    })
  }
}

export function namespaceRequests(namespace: string): readonly string[] {
  const names = namespace.split('/')
  return names.map((name, depth) => [...names.slice(0, depth), 'sys/namespaces', name].join('/'))
}

/** The mounts in which there is nothing at all. */
export async function emptyMounts(mounts: ReadonlyMap<string, KvMount>, client: Client): Promise<ReadonlySet<string>> {
  const empty = new Set<string>()
  for (const mount of mounts.values()) {
    const first = await walk(mount, client).next()
    if (first.done === true) empty.add(mount.path)
  }
  return empty
}

/** After its secrets: a time of expiry or a limit would change them while they are written. */
export async function configureMount({ path, config }: CapturedMount, client: Client, context: Context): Promise<void> {
  if (config === null) return
  await context.effects.run(`openbao: configure mount ${path}`, async () => {
    await client.call({ method: 'POST', path: `${encodePath(path)}/config`, body: config })
  })
}

/** What of the mounts would make a restore fail or differ. */
export async function mountFindings(
  details: OpenbaoDetails,
  settings: OpenbaoSettings,
  client: Client,
): Promise<Finding[]> {
  const live = await liveMounts(details, settings, client)
  return details.mounts.map((captured) => mountFinding(captured, live.get(captured.path), settings))
}

function mountFinding(captured: CapturedMount, live: KvMount | undefined, { createMounts }: OpenbaoSettings): Finding {
  const subject = `mount ${captured.path}`
  if (live === undefined && createMounts) return { level: 'warning', subject, message: 'is not there and will be made' }
  if (live === undefined) return { level: 'error', subject, message: 'is not there', hint: missingHint(captured) }
  if (live.version !== captured.version) {
    const { message, hint } = otherVersion(captured, live)
    return { level: 'error', subject, message, ...(hint === undefined ? {} : { hint }) }
  }
  if (captured.config !== null && !isSameConfig(captured.config, live.config))
    return {
      level: 'warning',
      subject,
      message: 'is configured otherwise than when it was captured; it stays as it is',
    }
  return { level: 'ok', subject, message: `${captured.secrets} secrets` }
}

function missingHint({ path, namespace, version }: CapturedMount): string {
  const [within, name] =
    namespace === undefined ? ['', path] : [`-namespace=${namespace} `, path.slice(namespace.length + 1)]
  return `Make it with bao secrets enable ${within}-path=${name} -version=${version} kv, or set createMounts.`
}

function otherVersion(captured: CapturedMount, live: KvMount): Failure {
  return new Failure(
    'refused',
    `openbao: mount ${captured.path} is KV version ${live.version} and was captured as version ${captured.version}`,
    {
      hint: 'Restore into a mount of the same version.',
    },
  )
}
