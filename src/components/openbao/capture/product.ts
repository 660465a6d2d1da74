import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Client } from '../client/client.ts'

/** The two servers that speak this API. What one of them writes as a raft snapshot is not for the other. */
export const product = z.enum(['openbao', 'vault'])
export type Product = z.infer<typeof product>

const health = z.object({ version: z.string(), enterprise: z.boolean().optional() })

interface Edition {
  readonly product: Product
  readonly knowsNamespaces: boolean
}

/** Vault alone says whether it is its Enterprise edition. Undefined where the server gives no answer, as inside some namespaces. */
async function editionOf(client: Client): Promise<Edition | undefined> {
  const accept = [400, 403, 404, 405, 429, 472, 473, 501, 503]
  const { body } = await client.call({ path: 'sys/health?standbyok=true', accept })
  const parsed = health.safeParse(body)
  if (!parsed.success) return undefined
  const { enterprise } = parsed.data
  return { product: enterprise === undefined ? 'openbao' : 'vault', knowsNamespaces: enterprise !== false }
}

export async function productOf(client: Client): Promise<Product | undefined> {
  return (await editionOf(client))?.product
}

/** The community edition of Vault ignores the header of the namespace: it would answer for the root, as if that were it. */
export async function requireNamespace(client: Client): Promise<void> {
  const { namespace } = client
  if (namespace === undefined || (await editionOf(client))?.knowsNamespaces !== false) return
  throw new Failure(
    'unsupported',
    `openbao: this server is the community edition of Vault, which has no namespace ${namespace}`,
    {
      hint: 'Take namespace out of the configuration, or give the address of the server that has it.',
    },
  )
}

/** Why a captured raft snapshot is nothing for this server; undefined where it is, or where one of the two is not known. */
export function otherProduct(
  captured: { readonly product?: Product | undefined },
  there: Product | undefined,
): string | undefined {
  if (captured.product === undefined || there === undefined || captured.product === there) return undefined
  return `the snapshot is of ${NAMES[captured.product]}, and the server is ${NAMES[there]}`
}

const NAMES: Readonly<Record<Product, string>> = { openbao: 'OpenBao', vault: 'Vault' }
