import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { growHeapSlowly } from '../../../system/process/heap-growth.ts'
import { findActive } from './active-server.ts'
import type { FarEnd } from '../../../platforms/through.ts'
import { caOf, Client } from './client.ts'
import type { Credentials } from './login.ts'
import type { OpenbaoSettings } from '../schema.ts'

/** What the client is for: a restore may have a login of its own. */
export type Purpose = 'capture' | 'restore'

/** Gives `act` a client and ends its login and connections afterwards, whatever happens. */
export async function withClient<Result>(
  settings: OpenbaoSettings,
  purpose: Purpose,
  context: Context,
  act: (client: Client) => Promise<Result>,
): Promise<Result> {
  const credentials = credentialsOf(settings, purpose)
  const { namespace, ca, workers, retrySeconds } = settings
  const address = await addressOf(settings, context)
  const { through } = settings
  const connection = { address, namespace, ca, credentials, workers, retryMilliseconds: retrySeconds * 1000, through }
  growHeapSlowly()
  return closing(new Client(connection, context), act)
}

/** Where other servers of the cluster are named, the one of them that is active now. */
async function addressOf(settings: OpenbaoSettings, context: Context): Promise<string> {
  const { address, otherNodes = [], ca, retrySeconds, through } = settings
  if (through !== undefined) return `unix://${(await through.open(farEndOf(settings), context)).path}`
  if (otherNodes.length === 0) return address
  const once = { namespace: undefined, ca, credentials: undefined, workers: 1, retryMilliseconds: 0 }
  return await findActive(
    [address, ...otherNodes],
    retrySeconds * 1000,
    (one, act) => closing(new Client({ ...once, address: one }, context), act),
    context,
  )
}

/** `address` says which protocol is spoken, and the name that the certificate must have. */
function farEndOf({ address, ca }: OpenbaoSettings): FarEnd {
  const { protocol, hostname, port } = new URL(address)
  const far = { protocol: 'http', defaultPort: port === '' ? 8200 : Number(port) } as const
  if (protocol !== 'https:') return far
  return { ...far, tls: { mode: 'verify-full', serverName: hostname, ca: caOf(ca) } }
}

async function closing<Result>(client: Client, act: (client: Client) => Promise<Result>): Promise<Result> {
  try {
    return await act(client)
  } finally {
    await client.close()
  }
}

function credentialsOf(settings: OpenbaoSettings, purpose: Purpose): Credentials {
  const restoring = purpose === 'restore' ? given(settings.restoreToken, settings.restoreAppRole, undefined) : []
  const all = restoring.length > 0 ? restoring : given(settings.token, settings.appRole, settings.kubernetes)
  const [one, ...more] = all
  if (one !== undefined && more.length === 0) return one
  throw new Failure(
    'usage',
    `openbao at ${settings.address} needs exactly one of token, appRole and kubernetes, not ${all.length}`,
    {
      hint: 'Correct the component in the configuration.',
    },
  )
}

function given(
  token: OpenbaoSettings['token'],
  appRole: OpenbaoSettings['appRole'],
  kubernetes: OpenbaoSettings['kubernetes'],
): Credentials[] {
  return [
    ...(token === undefined ? [] : [{ type: 'token', token } as const]),
    ...(appRole === undefined ? [] : [{ type: 'appRole', appRole } as const]),
    ...(kubernetes === undefined ? [] : [{ type: 'kubernetes', kubernetes } as const]),
  ]
}
