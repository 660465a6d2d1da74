import { z } from 'zod'
import type { Bytes } from '../../core/ports.ts'
import type { ArtifactSink } from '../driver.ts'
import type { Client } from './client.ts'

/** What a reader needs to set up a server like this one again, as far as it may be read. No key material. */
const READABLE: readonly { readonly path: string; readonly what: string }[] = [
  { path: 'sys/mounts', what: 'the list of mounts' },
  { path: 'sys/auth', what: 'the list of auth methods' },
  { path: 'sys/audit', what: 'the list of audit devices' },
]

const names = z.object({ data: z.object({ keys: z.array(z.string()) }) })

/** Writes one line for each path that may be read: `{"path": …, "data": …}`. Gives what was denied. */
export async function captureConfiguration(sink: ArtifactSink, client: Client): Promise<string[]> {
  const denied: string[] = []
  await sink.write('configuration', 3, configurationLines(client, denied))
  if (denied.length === 0) return []
  return [`Not readable with this token, and not captured: ${denied.join(', ')}`]
}

async function* configurationLines(client: Client, denied: string[]): Bytes {
  for (const { path, what } of READABLE) {
    const data = await read(path, client)
    if (data === undefined) denied.push(what)
    else yield lineOf(path, data)
  }
  const policies = names.safeParse(await read('sys/policies/acl?list=true', client, false))
  if (!policies.success) denied.push('the policies')
  for (const name of policies.data?.data.keys ?? []) {
    const path = `sys/policies/acl/${encodeURIComponent(name)}`
    const data = await read(path, client)
    if (data === undefined) denied.push(`policy ${name}`)
    else yield lineOf(path, data)
  }
}

async function read(path: string, client: Client, dataOnly = true): Promise<unknown> {
  const { status, body } = await client.call({ path, accept: [400, 403, 404, 405] })
  if (status !== 200) return undefined
  return dataOnly && typeof body === 'object' && body !== null && 'data' in body ? body.data : body
}

function lineOf(path: string, data: unknown): Buffer {
  return Buffer.from(`${JSON.stringify({ path, data })}\n`)
}
