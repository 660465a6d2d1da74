import { failedFinding } from '../../../core/failed-finding.ts'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import type { Client } from '../client/client.ts'
import { withClient } from '../client/connect.ts'
import { findMounts } from '../kv/mounts.ts'
import type { KvMount } from '../kv/mounts.ts'
import { namespaceFindings } from '../kv/namespaces.ts'
import { productOf } from './product.ts'
import type { Product } from './product.ts'
import { reasonFor } from './not-readable.ts'
import { readPlain, readStable } from '../kv/read-entry.ts'
import { requireMounts, requireReady } from './requirements.ts'
import type { OpenbaoSettings } from '../schema.ts'
import type { SealStatus } from './server-facts.ts'
import { hintWithoutSnapshot, whyNone } from '../snapshot/snapshot.ts'
import { findProgram } from '../private-server/throw-away.ts'
import { walk } from '../kv/walk.ts'

/** Whether a backup could read everything. Reads one secret of each mount and lists all of them. */
export async function checkOpenbao(settings: OpenbaoSettings, context: Context): Promise<readonly Finding[]> {
  const subject = `openbao ${settings.address}`
  try {
    return await withClient(settings, 'capture', context, async (client) => {
      const server = await requireReady(client, context)
      const product = await productOf(client)
      const mounts = await findMounts(settings, client)
      requireMounts(settings, mounts)
      const findings: Finding[] = [
        {
          level: 'ok',
          subject,
          message: `reached, ${nameOf(product)}version ${server.version}, storage ${server.storage_type ?? 'unknown'}`,
        },
      ]
      for (const mount of mounts) findings.push(await lookAt(mount, client))
      return [
        ...findings,
        ...(await namespaceFindings(settings, client)),
        await snapshotFinding(settings, server, client),
        custodyFinding(server),
        await programFinding(settings),
      ]
    })
  } catch (error) {
    context.signal.throwIfAborted()
    return [failedFinding(subject, error)]
  }
}

function nameOf(product: Product | undefined): string {
  return product === 'vault' ? 'Vault ' : ''
}

async function lookAt(mount: KvMount, client: Client): Promise<Finding> {
  const subject = `mount ${mount.path}`
  try {
    let secrets = 0
    let isWhole = true
    for await (const page of walk(mount, client)) {
      if (secrets === 0) isWhole = await readFirst(mount, `${page.folder}${page.secrets[0] ?? ''}`, client)
      secrets += page.secrets.length
    }
    if (!isWhole) return unreadableFinding(subject)
    return {
      level: secrets === 0 ? 'warning' : 'ok',
      subject,
      message: secrets === 0 ? 'holds no secret' : `${secrets} secrets`,
    }
  } catch (error) {
    return failedFinding(subject, error)
  }
}

/** Whether all of it can be read. */
async function readFirst({ path: mount, version }: KvMount, path: string, client: Client): Promise<boolean> {
  try {
    if (version === 2) return (await readStable(mount, path, client))?.unreadable === undefined
    await readPlain(mount, path, client)
    return true
  } catch (error) {
    if ((await reasonFor(error, client)) === 'the server cannot') return false
    throw error
  }
}

function unreadableFinding(subject: string): Finding {
  const message = 'the server cannot read its first secret; backups are incomplete, and name each that it cannot read'
  return { level: 'warning', subject, message, hint: 'Write that secret anew, and destroy the version of before.' }
}

async function snapshotFinding(settings: OpenbaoSettings, server: SealStatus, client: Client): Promise<Finding> {
  const subject = 'raft snapshot'
  const none = whyNone(settings, server)
  if (none === undefined && (await mayRead('sys/storage/raft/snapshot', client)))
    return { level: 'ok', subject, message: 'will be taken beside the secrets' }
  const why = none ?? 'this token may not read sys/storage/raft/snapshot'
  const level = settings.snapshot === 'require' ? 'error' : settings.snapshot === 'off' ? 'ok' : 'warning'
  return {
    level,
    subject,
    message: `none: ${why}`,
    hint: hintWithoutSnapshot(server.storage_type),
  }
}

async function mayRead(path: string, client: Client): Promise<boolean> {
  const { status, body } = await client.call({
    method: 'POST',
    path: 'sys/capabilities-self',
    body: { paths: [path] },
    accept: [403],
  })
  const text = JSON.stringify(body ?? null)
  return status === 200 && (text.includes('"read"') || text.includes('"root"'))
}

function custodyFinding({ type, t, n }: SealStatus): Finding {
  const keys = type === 'shamir' ? `${t} of ${n} unseal keys` : `the key of the ${type} seal`
  return {
    level: 'untested',
    subject: 'unseal keys',
    message: `a snapshot opens only with ${keys}, which are never captured; make sure they are kept elsewhere`,
  }
}

async function programFinding({ serverProgram }: OpenbaoSettings): Promise<Finding> {
  const subject = 'program for drills'
  try {
    return { level: 'ok', subject, message: await findProgram(serverProgram) }
  } catch (error) {
    return { ...failedFinding(subject, error), level: 'warning' }
  }
}
