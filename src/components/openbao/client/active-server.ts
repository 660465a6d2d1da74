import { z } from 'zod'
import { describe, Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { retry } from '../../../system/retry.ts'
import { parseAnswer, type Client } from './client.ts'

const leader = z.object({
  ha_enabled: z.boolean(),
  is_self: z.boolean().default(false),
  leader_address: z.string().default(''),
})

/** What a server says of its place in the cluster; `electing` is one that knows of no active server. */
export type Role = 'active' | 'standby' | 'electing'

async function roleOf(client: Client): Promise<Role> {
  const answer = await client.call({ path: 'sys/leader', accept: [400, 403, 404] })
  if (answer.status !== 200) return 'active'
  const { ha_enabled, is_self, leader_address } = parseAnswer(answer, leader, 'GET sys/leader')
  if (!ha_enabled || is_self) return 'active'
  return leader_address === '' ? 'electing' : 'standby'
}

const PAUSE = 500

/**
 * A standby answers reads itself, a moment late: a backup from one could lack what the database names already. Where no server
 * is active yet, that is waited for.
 */
export async function requireActive(client: Client, context: Context): Promise<void> {
  const electing = noneActive('no server of this cluster is active')
  const look = async (): Promise<void> => {
    const role = await roleOf(client)
    if (role === 'electing') throw electing
    if (role === 'standby')
      throw new Failure('unreachable', 'openbao: this server is a standby, and its answers lag behind', {
        hint: 'Set address to the active server, or name the others of its cluster with otherNodes.',
      })
  }
  const mayRetry = (error: unknown): boolean => error === electing
  await retry(look, { ...context, limit: client.patience, pause: () => PAUSE, mayRetry })
}

/** The active one of several servers. `ask` gives a client that asks one of them once, without a login. */
export function findActive(
  addresses: readonly string[],
  patience: number,
  ask: <Result>(address: string, act: (client: Client) => Promise<Result>) => Promise<Result>,
  context: Context,
): Promise<string> {
  const look = async (): Promise<string> => {
    const found: string[] = []
    for (const address of addresses) {
      const role = await ask(address, roleOf).catch((error: unknown) => describe(error))
      context.signal.throwIfAborted()
      if (role === 'active') return address
      found.push(`${address}: ${role}`)
    }
    throw noneActive(`none of ${addresses.length} servers is active: ${found.join('; ')}`)
  }
  return retry(look, { ...context, limit: patience, pause: () => PAUSE, mayRetry: () => true })
}

function noneActive(what: string): Failure {
  return new Failure('unreachable', `openbao: ${what}`, {
    hint: 'Look whether enough of its servers run and are unsealed (bao or vault operator raft list-peers).',
  })
}
