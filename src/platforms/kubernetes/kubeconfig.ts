import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { Secret } from '../../core/secret.ts'
import type { ClusterAccess } from './access.ts'
import { readText, readToken } from './access-files.ts'
import { execPlugin, pluginLogins, type ExecPlugin } from './exec-plugin.ts'

const text = z.string().min(1)
const cluster = z.object({
  server: z.string().regex(/^https:\/\/[^/\s@?#]+(\/[^\s?#]*)?$/),
  'certificate-authority': text.optional(),
  'certificate-authority-data': text.optional(),
  'insecure-skip-tls-verify': z.boolean().default(false),
  'tls-server-name': text.optional(),
  'proxy-url': z
    .string()
    .regex(/^http:\/\//, 'expected an HTTP proxy')
    .optional(),
})
const user = z.object({
  token: text.optional(),
  tokenFile: text.optional(),
  'client-certificate': text.optional(),
  'client-certificate-data': text.optional(),
  'client-key': text.optional(),
  'client-key-data': text.optional(),
  exec: execPlugin.optional(),
  'auth-provider': z.unknown().optional(),
  username: z.unknown().optional(),
  as: z.unknown().optional(),
})
const contextShape = z.object({ cluster: text, user: text, namespace: text.optional() })
const named = <Key extends string, Shape extends z.ZodType>(key: Key, shape: Shape) =>
  z.array(z.object({ name: text, [key]: shape } as { name: typeof text } & Record<Key, Shape>)).default([])
const kubeconfig = z.object({
  'current-context': z.string().optional(),
  contexts: named('context', contextShape),
  // Of those that no context of ours names, nothing is asked.
  clusters: named('cluster', z.unknown()),
  users: named('user', z.unknown()),
})
type Cluster = z.infer<typeof cluster>
type User = z.infer<typeof user>

/** The access that a context of a kubeconfig file gives. A program that its user names for the login is run. */
export async function kubeconfigAccess(
  path: string,
  wanted: string | undefined,
  context: Context,
): Promise<ClusterAccess> {
  const file = parsed(path, kubeconfig, readYaml(path, await readText(path)), 'the file')
  const name = wanted ?? file['current-context'] ?? ''
  const chosen = file.contexts.find((one) => one.name === name)?.context
  if (chosen === undefined)
    throw noContext(
      path,
      name,
      file.contexts.map((one) => one.name),
    )
  const clusterOf = file.clusters.find((one) => one.name === chosen.cluster)?.cluster
  const userOf = file.users.find((one) => one.name === chosen.user)?.user
  const place = parsed(path, cluster, clusterOf, `cluster ${chosen.cluster}`)
  const who = parsed(path, user, userOf, `user ${chosen.user}`)
  refuseOthers(path, chosen.user, who)
  const server = await serverOf(path, place)
  const { certificate, token, forget } =
    who.exec === undefined ? await loginOf(path, chosen.user, who) : await loginBy(path, who.exec, server, context)
  const renew = (): Promise<ClusterAccess> => {
    forget?.()
    return kubeconfigAccess(path, name, context)
  }
  return { ...server, certificate, token, context: name, namespace: chosen.namespace, renew }
}

type LoginPart = Pick<ClusterAccess, 'certificate' | 'token'> & { readonly forget?: () => void }

/** A certificate is of the whole access, so a program that gives one is asked now; a token is asked for each request. */
async function loginBy(path: string, plugin: ExecPlugin, server: ServerPart, context: Context): Promise<LoginPart> {
  const cluster = {
    server: server.server,
    'insecure-skip-tls-verify': server.insecure,
    ...(server.ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(server.ca).toString('base64') }),
    ...(server.serverName === undefined ? {} : { 'tls-server-name': server.serverName }),
  }
  const logins = pluginLogins(path, plugin, cluster, context)
  const { certificate, token } = await logins.now()
  const { forget } = logins
  if (token === undefined) return { certificate, token, forget }
  return { certificate, token: async () => (await logins.now()).token ?? token, forget }
}

type ServerPart = Pick<ClusterAccess, 'server' | 'ca' | 'insecure' | 'serverName' | 'proxy'>

async function serverOf(path: string, place: Cluster): Promise<ServerPart> {
  const ca = await contentOf(path, place['certificate-authority-data'], place['certificate-authority'])
  const insecure = place['insecure-skip-tls-verify']
  const proxy = place['proxy-url'] === undefined ? undefined : new Secret(place['proxy-url'])
  return { server: place.server.replace(/\/+$/, ''), ca, insecure, serverName: place['tls-server-name'], proxy }
}

async function loginOf(path: string, name: string, who: User): Promise<LoginPart> {
  const certificate = await contentOf(path, who['client-certificate-data'], who['client-certificate'])
  const key = await contentOf(path, who['client-key-data'], who['client-key'])
  const { tokenFile, token: literal } = who
  const literalToken = literal === undefined ? undefined : new Secret(literal)
  const token =
    tokenFile !== undefined
      ? () => readToken(beside(path, tokenFile))
      : literalToken && (() => Promise.resolve(literalToken))
  if (certificate !== undefined && key !== undefined)
    return { certificate: { certificate, key: new Secret(key) }, token }
  if (token !== undefined) return { certificate: undefined, token }
  throw new Failure('usage', `user ${name} of ${path} has neither a token nor a certificate with its key`, {
    hint: 'Give it a token, a tokenFile, or a client certificate.',
  })
}

/** Data in the file goes before the name of a file, as for kubectl. */
async function contentOf(
  path: string,
  data: string | undefined,
  file: string | undefined,
): Promise<string | undefined> {
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8')
  return file === undefined ? undefined : await readText(beside(path, file))
}

function beside(path: string, file: string): string {
  return resolve(dirname(path), file)
}

function refuseOthers(path: string, name: string, who: User): void {
  const other = (['auth-provider', 'username', 'as'] as const).find((key) => who[key] !== undefined)
  if (other !== undefined)
    throw new Failure('unsupported', `user ${name} of ${path} logs in by ${other}, which Holdfast does not do`, {
      hint: 'Make a service account with the rights that holdfast rights kubernetes prints, and use its token in a kubeconfig of its own.',
    })
}

/** Neither the parser's message nor its cause is passed on: they quote the file, which holds tokens. */
function readYaml(path: string, content: string): unknown {
  try {
    return parse(content, { logLevel: 'error' })
  } catch {
    throw new Failure('usage', `${path} is no YAML`, { hint: 'Check it with kubectl config view.' })
  }
}

function parsed<Shape extends z.ZodType>(path: string, shape: Shape, value: unknown, what: string): z.infer<Shape> {
  const result = shape.safeParse(value)
  if (result.success) return result.data
  const where = result.error.issues[0]?.path.join('.') ?? ''
  throw new Failure(
    'usage',
    `${path} is no kubeconfig that can be used: ${what}${where === '' ? ' is missing or wrong' : ` has a wrong ${where}`}`,
    {
      hint: 'Check it with kubectl config view. The server has to be https.',
    },
  )
}

function noContext(path: string, name: string, known: readonly string[]): Failure {
  const message = name === '' ? `${path} has no current context` : `${path} has no context ${name}`
  return new Failure('notFound', message, {
    hint: `Set context in the configuration. There are: ${known.join(', ') || 'none'}.`,
  })
}
