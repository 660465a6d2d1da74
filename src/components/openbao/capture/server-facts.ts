import { z } from 'zod'
import type { Client } from '../client/client.ts'
import { parseAnswer } from '../client/client.ts'

const sealStatus = z.object({
  type: z.string(),
  initialized: z.boolean(),
  sealed: z.boolean(),
  t: z.number(),
  n: z.number(),
  version: z.string(),
  cluster_id: z.string().optional(),
  storage_type: z.string().optional(),
})
export type SealStatus = z.infer<typeof sealStatus>

const keyStatus = z.object({ data: z.object({ term: z.number(), install_time: z.string() }) })

/** What the server says about itself to everybody. */
export function readSealStatus(client: Client): Promise<SealStatus> {
  return client.get('sys/seal-status', sealStatus)
}

/** Which keyring encrypts the storage; null without the right to read it, and (400) in a namespace that has none of its own. */
export async function readKeyring(
  client: Client,
): Promise<{ readonly term: number; readonly installed: string } | null> {
  const answer = await client.call({ path: 'sys/key-status', accept: [400, 403, 404, 405] })
  if (answer.status !== 200) return null
  const { data } = parseAnswer(answer, keyStatus, 'GET sys/key-status')
  return { term: data.term, installed: data.install_time }
}
