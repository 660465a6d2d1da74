import { z } from 'zod'
import type { Finding } from '../../../core/restore-point.ts'
import { parseAnswer } from '../client/client.ts'
import type { Client } from '../client/client.ts'
import { encodePath } from './kv-paths.ts'
import type { OpenbaoSettings } from '../schema.ts'

const keys = z.object({ data: z.object({ keys: z.array(z.string()) }) })

/**
 * The namespaces below the configured one, at any depth, as paths from there without a slash at the end. The path of what is
 * in one, with the namespace before it, is a path for every request.
 */
export async function namespacesBelow(client: Client): Promise<readonly string[]> {
  const found: string[] = []
  for (const open = ['']; open.length > 0;) {
    const parent = open.shift() ?? ''
    const path = `${encodePath(parent)}sys/namespaces?list=true`
    const answer = await client.call({ path, accept: [404] })
    // None below, or a server that knows no namespaces.
    if (answer.status === 404) continue
    const names = parseAnswer(answer, keys, 'the list of namespaces').data.keys
    found.push(...names.map((name) => `${parent}${name.replace(/\/$/, '')}`))
    open.push(...names.map((name) => `${parent}${name.replace(/\/$/, '')}/`))
  }
  return found.toSorted()
}

/** In which of these namespaces the path of a mount is; undefined in the configured one itself. */
export function namespaceOf(path: string, namespaces: readonly string[]): string | undefined {
  return namespaces.filter((namespace) => path.startsWith(`${namespace}/`)).toSorted((a, b) => b.length - a.length)[0]
}

/** Where a capture is of one namespace and there are others below: which, or that it is not known. */
export async function leftOutNamespaces(settings: OpenbaoSettings, client: Client): Promise<string | undefined> {
  if (settings.namespaces === 'all') return undefined
  const answer = await client.call({ path: 'sys/namespaces?list=true', accept: [403, 404] })
  if (answer.status === 404) return undefined
  if (answer.status === 403)
    return 'Whether there are namespaces below is not known: this token may not list sys/namespaces'
  const names = parseAnswer(answer, keys, 'the list of namespaces').data.keys.map((name) => name.replace(/\/$/, ''))
  // The server lists them in any order.
  const others = names.filter((name) => !isNamed(name, settings)).toSorted()
  return others.length === 0 ? undefined : `The namespaces below are not captured: ${others.join(', ')}`
}

function isNamed(namespace: string, { mounts = [] }: OpenbaoSettings): boolean {
  return mounts.some((path) => path.startsWith(`${namespace}/`))
}

export async function namespaceFindings(settings: OpenbaoSettings, client: Client): Promise<readonly Finding[]> {
  const leftOut = await leftOutNamespaces(settings, client)
  if (leftOut === undefined) return []
  const level = settings.namespaces === 'own' ? 'ok' : 'warning'
  const hint = 'Set namespaces to all, or to own where each has a component of its own.'
  return [{ level, subject: 'namespaces', message: leftOut, ...(level === 'ok' ? {} : { hint }) }]
}
