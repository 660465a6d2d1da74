import { createHash } from 'node:crypto'
import type { Bytes, Context } from '../../../core/ports.ts'
import type { ArtifactSink, Captured } from '../../transfer.ts'
import { captureMount } from './capture-mount.ts'
import type { CapturedEntry } from './capture-mount.ts'
import type { Client } from '../client/client.ts'
import { captureConfiguration } from './configuration.ts'
import { withClient } from '../client/connect.ts'
import { valuesOf } from '../kv/entry.ts'
import type { Entry } from '../kv/entry.ts'
import { stringsIn } from '../client/json.ts'
import { findMounts } from '../kv/mounts.ts'
import type { KvMount } from '../kv/mounts.ts'
import { leftOutNamespaces, namespacesBelow } from '../kv/namespaces.ts'
import { productOf } from './product.ts'
import { MissingList } from './not-readable.ts'
import { absentMounts, requireReady } from './requirements.ts'
import type { CapturedMount, OpenbaoDetails, OpenbaoSettings } from '../schema.ts'
import { readKeyring } from './server-facts.ts'
import { captureSnapshot, requireSnapshotStorage } from '../snapshot/snapshot.ts'

/** Lines go on so many bytes at a time: what comes after costs the same for each piece, small or large. */
const TOGETHER = 64 * 1024

/** The roles of the artifacts. */
export const SECRETS = 'secrets'
export const SNAPSHOT = 'snapshot'

/** Reads every KV mount, what of the configuration may be read, and the raft snapshot where there is one. */
export async function captureOpenbao(
  settings: OpenbaoSettings,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<OpenbaoDetails>> {
  return withClient(settings, 'capture', context, async (client) => {
    const readFrom = context.clock.now().toISOString()
    const server = await requireReady(client, context)
    requireSnapshotStorage(settings, server)
    const mounts = await findMounts(settings, client)
    const absent = absentMounts(settings, mounts)
    const census = new CaptureStats(mounts)
    const missing = new MissingList()
    await sink.write(
      SECRETS,
      'json-lines',
      secretLines(capturedIn(mounts, client, settings.scan, missing), census, missing),
    )
    missing.requireSome(census.secrets)
    const namespaces = settings.namespaces === 'all' ? await namespacesBelow(client) : []
    const leftOut = await leftOutNamespaces(settings, client)
    const unread = await captureConfiguration(namespaces, sink, client)
    const snapshot = await captureSnapshot(settings, server, sink, client)
    const product = await productOf(client)
    const { cluster_id, storage_type, version, type, t, n } = server
    const details: OpenbaoDetails = {
      address: settings.address,
      ...(settings.namespace === undefined ? {} : { namespace: settings.namespace }),
      serverVersion: version,
      ...(product === undefined ? {} : { product }),
      clusterId: cluster_id ?? null,
      storage: storage_type ?? null,
      seal: { type, threshold: t, shares: n },
      keyring: await readKeyring(client),
      ...census.facts(),
      snapshot: snapshot.facts,
      readFrom,
      readUntil: context.clock.now().toISOString(),
    }
    const missed = [...(leftOut === undefined ? [] : [leftOut]), ...unread, ...snapshot.notCaptured]
    const incomplete = [...absent, ...missing.texts()]
    return { details, incomplete, notCaptured: [...census.notCaptured(), ...missed, ...custody(details)] }
  })
}

async function* secretLines(captured: AsyncIterable<CapturedEntry>, census: CaptureStats, list: MissingList): Bytes {
  let held: Buffer[] = []
  let bytes = 0
  for await (const { stored, missing, error } of captured) {
    list.add(missing, error)
    if (stored === undefined) continue
    const { entry, line } = stored
    census.add(entry, line)
    held.push(line)
    bytes += line.length
    if (bytes < TOGETHER) continue
    yield Buffer.concat(held)
    held = []
    bytes = 0
  }
  if (held.length > 0) yield Buffer.concat(held)
}

async function* capturedIn(
  mounts: readonly KvMount[],
  client: Client,
  scan: boolean,
  missing: MissingList,
): AsyncGenerator<CapturedEntry> {
  for (const mount of mounts) yield* captureMount(mount, client, scan, missing)
}

/** Counts what goes by. */
export class CaptureStats {
  readonly #mounts: Map<string, CapturedMount>
  readonly #hash = createHash('sha256')
  #secrets = 0
  #highestVersion = 0
  #largestSecret = 0
  #mostStrings = 0
  #deleted = 0
  #expiring = 0

  constructor(mounts: readonly KvMount[]) {
    this.#mounts = new Map(mounts.map((mount) => [mount.path, { ...mount, secrets: 0, versions: 0 }]))
  }

  add(entry: Entry, line: Buffer): void {
    this.#hash.update(line)
    this.#secrets += 1
    this.#largestSecret = Math.max(this.#largestSecret, line.length)
    // No line has more strings than bytes, so most need not be counted once a large one was.
    if (line.length > this.#mostStrings)
      this.#mostStrings = Math.max(this.#mostStrings, ...valuesOf(entry).map(stringsIn))
    const versions = entry.kv === 2 ? entry.versions : []
    if (entry.kv === 2) this.#highestVersion = Math.max(this.#highestVersion, entry.current)
    this.#deleted += versions.filter(({ state }) => state === 'deleted').length
    this.#expiring += versions.filter((version) => version.state === 'live' && version.expires !== undefined).length
    const mount = this.#mounts.get(entry.mount)
    if (mount === undefined) return
    const added = entry.kv === 1 ? 1 : versions.length
    this.#mounts.set(entry.mount, { ...mount, secrets: mount.secrets + 1, versions: mount.versions + added })
  }

  get secrets(): number {
    return this.#secrets
  }

  facts(): Pick<OpenbaoDetails, 'mounts' | 'secrets' | 'highestVersion' | 'largestSecret' | 'mostStrings' | 'sha256'> {
    return {
      mounts: [...this.#mounts.values()],
      secrets: this.#secrets,
      highestVersion: this.#highestVersion,
      largestSecret: this.#largestSecret,
      mostStrings: this.#mostStrings,
      sha256: this.#hash.digest('hex'),
    }
  }

  notCaptured(): string[] {
    return [
      'Times of creation, change and deletion of secrets cannot be set: a restore gives its own',
      ...(this.#deleted === 0
        ? []
        : [
            `The contents of ${this.#deleted} deleted versions cannot be read; a restore marks them as deleted, without contents`,
          ]),
      ...(this.#expiring === 0
        ? []
        : [
            `The expiry of ${this.#expiring} versions cannot be set: a restored version expires as if it were new, or not at all`,
          ]),
    ]
  }
}

function custody({ seal, snapshot }: OpenbaoDetails): string[] {
  const who =
    seal.type === 'shamir' ? `unseal keys (${seal.threshold} of ${seal.shares})` : `keys of the ${seal.type} seal`
  const only =
    snapshot === null
      ? [
          'Auth methods, roles, identities, tokens, leases, audit devices, and the keys of transit and PKI are not in KV and are not captured',
        ]
      : []
  return [...only, `The ${who} are never captured; keep them where they outlive this server`]
}
