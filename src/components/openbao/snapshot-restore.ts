import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { describe, Failure, toFailure } from '../../core/failure.ts'
import type { Bytes, Context } from '../../core/ports.ts'
import type { ArtifactSource, SnapshotRequest, SnapshotRestored } from '../driver.ts'
import { failureOf, reasonOf } from './answers.ts'
import { canariesOf, readCanaries } from './canaries.ts'
import { SECRETS, SNAPSHOT } from './capture.ts'
import type { Client } from './client.ts'
import { withClient } from './connect.ts'
import { otherProduct, productOf } from './product.ts'
import type { Product } from './product.ts'
import { requireReady } from './requirements.ts'
import type { OpenbaoDetails, OpenbaoSettings } from './schema.ts'
import { SnapshotCheck } from './snapshot.ts'

const RESTORE = 'sys/storage/raft/snapshot'

/** The whole server, all namespaces, tokens and policies, becomes what it was when the snapshot was taken. */
export async function restoreSnapshot(
  settings: OpenbaoSettings,
  details: OpenbaoDetails,
  source: ArtifactSource,
  request: SnapshotRequest,
  context: Context,
): Promise<SnapshotRestored> {
  requireSnapshot(details)
  const forced = await sendTo(settings, details, source, request, context)
  if (request.onlyLook) return { forced, state: 'not touched' }
  return { forced, state: await probe(settings, details, source, context) }
}

/** Gives whether it is onto other keys. */
function sendTo(
  settings: OpenbaoSettings,
  details: OpenbaoDetails,
  source: ArtifactSource,
  request: SnapshotRequest,
  context: Context,
): Promise<boolean> {
  return withClient(settings, 'restore', context, async (client) => {
    requireSameProduct(details, await productOf(client))
    const isOther = (await requireReady(client, context)).cluster_id !== details.clusterId
    if (isOther && request.custody === undefined) throw otherKeyring(settings, details)
    // To its end before anything is sent: the server must never get what is not the captured one.
    await drainSnapshot(source)
    if (request.onlyLook) return isOther
    await context.effects.run('openbao: restore the raft snapshot', () =>
      sendSnapshot(client, source.read(SNAPSHOT), isOther),
    )
    return isOther
  })
}

function requireSnapshot({ snapshot, address }: OpenbaoDetails): void {
  if (snapshot !== null) return
  throw new Failure('notFound', `this restore point has no raft snapshot of ${address}`, {
    hint: 'holdfast show says why. Choose another point with --at, or restore the secrets with holdfast restore.',
  })
}

/** Also by force: a live server is not the place to find out what the other one makes of it (docs/decisions/openbao.md). */
function requireSameProduct(details: OpenbaoDetails, there: Product | undefined): void {
  const why = otherProduct(details, there)
  if (why === undefined) return
  throw new Failure('refused', `openbao: the raft snapshot cannot be restored here: ${why}`, {
    hint: 'Give the address of a server of the same kind, or bring the secrets back with holdfast restore.',
  })
}

function otherKeyring({ address }: OpenbaoSettings, { clusterId, seal }: OpenbaoDetails): Failure {
  return new Failure(
    'refused',
    `openbao at ${address} is another cluster than the one that was captured, ${clusterId ?? 'unknown'}: its own unseal keys will not open the snapshot`,
    {
      hint: `Find who keeps the keys of the captured server (${seal.type}, ${seal.threshold} of ${seal.shares}), and name them with --unseal-keys-with.`,
    },
  )
}

async function drainSnapshot(source: ArtifactSource): Promise<void> {
  for await (const _chunk of new SnapshotCheck().through(source.read(SNAPSHOT))) {
    // Reading is the check.
  }
}

/** Packed as the server gave it. A server that refuses it is unharmed. */
export async function sendSnapshot(client: Client, tar: Bytes, force: boolean): Promise<void> {
  const packed = Readable.from(tar, { objectMode: false }).pipe(createGzip({ level: 1 }))
  const path = force ? `${RESTORE}-force` : RESTORE
  const answer = await client.send(path, packed as Bytes).catch((error: unknown) => {
    throw new Failure('unreachable', `openbao: POST ${path}: ${describe(error)}`, {
      cause: error,
      hint: 'Look at the log of the server: it may have the snapshot or not. Run this again.',
    })
  })
  if (answer.status === 204 || answer.status === 200) return
  if (/unseal keys/i.test(reasonOf(answer)))
    throw new Failure('refused', `openbao: the snapshot is of another keyring: ${reasonOf(answer)}`, {
      hint: 'Name who keeps the unseal keys of the captured server with --unseal-keys-with.',
    })
  throw failureOf(answer, `POST ${path}`)
}

const PAUSE = 250

/** What a real read says: the seal's status does not tell the truth after a restore. Each try begins anew, as with another server. */
async function probe(
  settings: OpenbaoSettings,
  details: OpenbaoDetails,
  source: ArtifactSource,
  context: Context,
): Promise<SnapshotRestored['state']> {
  const canaries = await canariesOf(source.read(SECRETS), details)
  for (const deadline = context.clock.monotonic() + settings.retrySeconds * 1000; ;) {
    try {
      const isRead = await withClient(settings, 'restore', context, (client) => readCanaries(canaries, client))
      return isRead ? 'read' : 'other values'
    } catch (error) {
      const failure = toFailure(error)
      if (failure.kind === 'denied') return 'denied'
      if (failure.kind !== 'unreachable') throw error
      if (failure.message.includes('sealed')) return 'sealed'
      if (context.clock.monotonic() > deadline) throw error
      await context.clock.sleep(PAUSE, context.signal)
    }
  }
}
