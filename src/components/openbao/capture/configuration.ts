import { z } from 'zod'
import type { Bytes } from '../../../core/ports.ts'
import type { ArtifactSink } from '../../transfer.ts'
import type { Client } from '../client/client.ts'
import { encodePath } from '../kv/kv-paths.ts'

/** What a reader needs to set up a server like this one again, as far as it may be read. No key material. */
const OF_EACH_NAMESPACE: readonly { readonly path: string; readonly what: string }[] = [
  { path: 'sys/mounts', what: 'the list of mounts' },
  { path: 'sys/auth', what: 'the list of auth methods' },
]
const AUDIT = { path: 'sys/audit', what: 'the list of audit devices' }

const names = z.object({ data: z.object({ keys: z.array(z.string()) }) })

/** Writes one line for each path that may be read: `{"path": …, "data": …}`. Gives what was denied. */
export async function captureConfiguration(
  namespaces: readonly string[],
  sink: ArtifactSink,
  client: Client,
): Promise<string[]> {
  const denied: string[] = []
  await sink.write('configuration', 'json-lines', configurationLines(namespaces, client, denied))
  if (denied.length === 0) return []
  return [`Not readable with this token, and not captured: ${denied.join(', ')}`]
}

async function* configurationLines(namespaces: readonly string[], client: Client, denied: string[]): Bytes {
  yield* listLines('', [...OF_EACH_NAMESPACE, AUDIT], client, denied)
  yield* policyLines('', client, denied)
  for (const namespace of namespaces) {
    yield* listLines(`${namespace}/`, OF_EACH_NAMESPACE, client, denied)
    yield* policyLines(`${namespace}/`, client, denied)
  }
}

async function* listLines(prefix: string, readable: typeof OF_EACH_NAMESPACE, client: Client, denied: string[]): Bytes {
  for (const { path, what } of readable) {
    const data = await read(`${encodePath(prefix)}${path}`, client)
    if (data === undefined) denied.push(`${what}${within(prefix)}`)
    else yield lineOf(`${prefix}${path}`, data)
  }
}

async function* policyLines(prefix: string, client: Client, denied: string[]): Bytes {
  const folder = `${encodePath(prefix)}sys/policies/acl`
  const policies = names.safeParse(await read(`${folder}?list=true`, client, false))
  if (!policies.success) denied.push(`the policies${within(prefix)}`)
  for (const name of policies.data?.data.keys ?? []) {
    const data = await read(`${folder}/${encodeURIComponent(name)}`, client)
    if (data === undefined) denied.push(`policy ${name}${within(prefix)}`)
    else yield lineOf(`${prefix}sys/policies/acl/${encodeURIComponent(name)}`, data)
  }
}

function within(prefix: string): string {
  return prefix === '' ? '' : ` of namespace ${prefix.slice(0, -1)}`
}

async function read(path: string, client: Client, dataOnly = true): Promise<unknown> {
  const { status, body } = await client.call({ path, accept: [400, 403, 404, 405] })
  if (status !== 200) return undefined
  return dataOnly && typeof body === 'object' && body !== null && 'data' in body ? body.data : body
}

function lineOf(path: string, data: unknown): Buffer {
  return Buffer.from(`${JSON.stringify({ path, data })}\n`)
}
