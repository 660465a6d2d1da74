import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { Client } from './client.ts'
import type { Credentials } from './login.ts'
import type { OpenbaoSettings } from './schema.ts'

/** What the client is for: a restore may have a login of its own. */
export type Purpose = 'capture' | 'restore'

/** Gives `act` a client and ends its login and connections afterwards, whatever happens. */
export async function withClient<Result>(
  settings: OpenbaoSettings,
  purpose: Purpose,
  context: Context,
  act: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = clientFor(settings, purpose, context)
  try {
    return await act(client)
  } finally {
    await client.close()
  }
}

function clientFor(settings: OpenbaoSettings, purpose: Purpose, context: Context): Client {
  const { address, namespace, ca, workers, retrySeconds } = settings
  const credentials = credentialsOf(settings, purpose)
  return new Client(
    {
      address: address.replace(/\/$/, ''),
      namespace,
      ca,
      credentials,
      workers,
      retryMilliseconds: retrySeconds * 1000,
    },
    context,
  )
}

export function credentialsOf(settings: OpenbaoSettings, purpose: Purpose): Credentials {
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
