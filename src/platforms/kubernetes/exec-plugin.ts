import { dirname, isAbsolute, resolve } from 'node:path'
import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { Secret } from '../../core/secret.ts'
import { processEnvironment } from '../../system/environment.ts'
import { run } from '../../system/process/run.ts'

/** The program of a kubeconfig that gives a login, as cloud providers and OIDC have it. */
export const execPlugin = z.object({
  apiVersion: z.enum(['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string().min(1), value: z.string() })).nullish(),
  provideClusterInfo: z.boolean().optional(),
  interactiveMode: z.string().optional(),
})
export type ExecPlugin = z.infer<typeof execPlugin>

const credential = z.object({
  kind: z.literal('ExecCredential'),
  status: z.object({
    token: z.string().min(1).optional(),
    clientCertificateData: z.string().min(1).optional(),
    clientKeyData: z.string().min(1).optional(),
    expirationTimestamp: z.iso.datetime({ offset: true }).optional(),
  }),
})

export interface PluginLogin {
  readonly token: Secret | undefined
  readonly certificate: { readonly certificate: string; readonly key: Secret } | undefined
  /** Milliseconds since the epoch. */
  readonly expires: number
}

const LIMIT = 60_000
/** One that says no end is asked again after this long, and any other this long before its end. */
const [SHORT, MARGIN] = [60_000, 30_000]

/** By program and cluster: every connection asks, and such a program may take seconds. */
const known = new Map<string, Promise<PluginLogin>>()

export interface PluginLogins {
  /** A login that is valid now. The program runs again only when the last one is over. */
  readonly now: () => Promise<PluginLogin>
  /** The server took the login that was given last no more. One that others got meanwhile is kept. */
  readonly forget: () => void
}

export function pluginLogins(path: string, plugin: ExecPlugin, cluster: unknown, context: Context): PluginLogins {
  const key = JSON.stringify([path, plugin, cluster])
  let given: Promise<PluginLogin> | undefined
  const now = async (): Promise<PluginLogin> => {
    given = known.get(key)
    const last = await given
    // Whoever else asked meanwhile has the newest.
    if (known.get(key) !== given) return await now()
    if (last !== undefined && last.expires - MARGIN > context.clock.now().getTime()) return last
    const asked = (given = askPlugin(path, plugin, cluster, context))
    known.set(key, asked)
    asked.catch(() => known.delete(key))
    return await asked
  }
  const forget = (): void => {
    if (given !== undefined && known.get(key) === given) known.delete(key)
  }
  return { now, forget }
}

async function askPlugin(path: string, plugin: ExecPlugin, cluster: unknown, context: Context): Promise<PluginLogin> {
  const { apiVersion, command, args, provideClusterInfo } = plugin
  const spec = { interactive: false, ...(provideClusterInfo === true ? { cluster } : {}) }
  const given = Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value]))
  const environment = {
    ...inherited(),
    ...given,
    KUBERNETES_EXEC_INFO: JSON.stringify({ apiVersion, kind: 'ExecCredential', spec }),
  }
  const limits = { idleLimit: LIMIT, totalLimit: LIMIT, signal: context.signal }
  const file = command.includes('/') && !isAbsolute(command) ? resolve(dirname(path), command) : command
  const { stdout } = await run({ file, args: args ?? [], environment, ...limits })
  return loginIn(stdout, command, context)
}

/** As for kubectl: such a program finds its own login by its environment. Our own passwords are not among it. */
function inherited(): Record<string, string> {
  const variables = Object.entries(processEnvironment().variables)
  const given = variables.flatMap(([name, value]) =>
    value === undefined || name.startsWith('HOLDFAST_') ? [] : [[name, value] as const],
  )
  return Object.fromEntries(given)
}

/** What it printed goes into no message: it is a login. */
function loginIn(text: string, command: string, { clock }: Context): PluginLogin {
  const parsed = credential.safeParse(jsonOf(text))
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = parsed.success ? parsed.data.status : {}
  const hasPair = clientCertificateData !== undefined && clientKeyData !== undefined
  if (token === undefined && !hasPair)
    throw new Failure(
      'denied',
      `the login program ${command} of the kubeconfig gave neither a token nor a certificate`,
      {
        hint: 'Run it by hand, and log in again where it asks for that.',
      },
    )
  return {
    token: token === undefined ? undefined : new Secret(token),
    certificate: hasPair ? { certificate: clientCertificateData, key: new Secret(clientKeyData) } : undefined,
    expires:
      expirationTimestamp === undefined ? clock.now().getTime() + MARGIN + SHORT : Date.parse(expirationTimestamp),
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
