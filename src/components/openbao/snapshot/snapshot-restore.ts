import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { describe, Failure, toFailure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import { retry } from '../../../system/retry.ts'
import type { SnapshotRequest, SnapshotRestored } from '../../capabilities/server-snapshot.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { failureOf, reasonOf } from '../client/answers.ts'
import { spotChecksOf, readSpotChecks } from '../capture/spot-checks.ts'
import { SECRETS, SNAPSHOT } from '../capture/capture.ts'
import type { Client } from '../client/client.ts'
import { withClient } from '../client/connect.ts'
import { otherProduct, productOf } from '../capture/product.ts'
import type { Product } from '../capture/product.ts'
import { requireReady } from '../capture/requirements.ts'
import type { OpenbaoDetails, OpenbaoSettings } from '../schema.ts'
import type { SealStatus } from '../capture/server-facts.ts'
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
    const server = await requireReady(client, context)
    const isForced = server.cluster_id !== details.clusterId || isRekeyed(details, server)
    if (isForced && request.custody === undefined)
      throw server.cluster_id === details.clusterId ? rekeyed(settings, details) : otherKeyring(settings, details)
    // To its end before anything is sent: the server must never get what is not the captured one.
    await drainSnapshot(source)
    if (request.onlyLook) return isForced
    const send = (force: boolean): Promise<void> =>
      context.effects.run('openbao: restore the raft snapshot', () =>
        sendSnapshot(client, source.read(SNAPSHOT), force, details),
      )
    return isForced || request.custody === undefined
      ? await send(isForced).then(() => isForced)
      : await sendAsAgreed(send)
  })
}

/** Of the same cluster by all that can be seen: only the server knows a rekey to as many shares. Gives whether it was forced. */
async function sendAsAgreed(send: (force: boolean) => Promise<void>): Promise<boolean> {
  try {
    await send(false)
    return false
  } catch (error) {
    if (!(error instanceof Failure && error.facts['keyring'] === 'another')) throw error
    await send(true)
    return true
  }
}

/** A static seal may have got another key; then the server says so. */
function isRekeyed({ seal }: OpenbaoDetails, { type, t, n }: SealStatus): boolean {
  return seal.type === 'shamir' && type === 'shamir' && (seal.threshold !== t || seal.shares !== n)
}

function rekeyed({ address }: OpenbaoSettings, details: OpenbaoDetails): Failure {
  const message = `openbao at ${address} was rekeyed since the point was captured: its unseal keys of now will not open the snapshot`
  return new Failure('refused', message, { hint: custodyHint(details) })
}

function custodyHint({
  seal: { type, threshold, shares },
  readFrom,
}: Pick<OpenbaoDetails, 'seal' | 'readFrom'>): string {
  const of = `(${type}, ${threshold} of ${shares}, as of ${readFrom.slice(0, 10)})`
  const own = type === 'shamir' ? '' : ` Configure that ${type} seal on this server before.`
  return `Find who keeps the keys of the captured server ${of}, and name them with --unseal-keys-with.${own}`
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

function otherKeyring({ address }: OpenbaoSettings, details: OpenbaoDetails): Failure {
  const { clusterId } = details
  return new Failure(
    'refused',
    `openbao at ${address} is another cluster than the one that was captured, ${clusterId ?? 'unknown'}: its own unseal keys will not open the snapshot`,
    { hint: custodyHint(details) },
  )
}

async function drainSnapshot(source: ArtifactSource): Promise<void> {
  for await (const _chunk of new SnapshotCheck().through(source.read(SNAPSHOT))) {
    // Reading is the check.
  }
}

/** Packed as the server gave it. A server that refuses it is unharmed. */
export async function sendSnapshot(client: Client, tar: Bytes, force: boolean, details: OpenbaoDetails): Promise<void> {
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
      hint: custodyHint(details),
      facts: { keyring: 'another' },
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
  const spotChecks = await spotChecksOf(source.read(SECRETS), details)
  const probeOnce = async (): Promise<SnapshotRestored['state']> => {
    try {
      const isRead = await withClient(settings, 'restore', context, (client) => readSpotChecks(spotChecks, client))
      return isRead ? 'read' : 'other values'
    } catch (error) {
      const { kind, message } = toFailure(error)
      if (kind === 'denied') return 'denied'
      if (kind === 'unreachable' && message.includes('sealed')) return 'sealed'
      throw error
    }
  }
  const mayRetry = (error: unknown): boolean => toFailure(error).kind === 'unreachable'
  return await retry(probeOnce, { ...context, limit: settings.retrySeconds * 1000, pause: () => PAUSE, mayRetry })
}
