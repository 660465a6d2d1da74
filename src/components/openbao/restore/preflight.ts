import { z } from 'zod'
import { failedFinding } from '../../../core/failed-finding.ts'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { anyNames } from '../../any-names.ts'
import { LIMITS_HINT } from '../client/answers.ts'
import { MOST_PLACEHOLDERS } from './apply-entry.ts'
import type { Client } from '../client/client.ts'
import { withClient } from '../client/connect.ts'
import { encodePath } from '../kv/kv-paths.ts'
import { requireReady } from '../capture/requirements.ts'
import type { CapturedMount, OpenbaoDetails, OpenbaoSettings } from '../schema.ts'
import { mountFindings } from '../kv/target-mounts.ts'

/** What one entry of raft storage holds by default. */
const RAFT_ENTRY = 1024 * 1024
/** What OpenBao takes in one request since 2.4.1 (GHSA-g46h-2rq9-gw5m), and what of it is not the secret's: `data`, `options`, `cas`. */
const REQUEST_STRINGS = 1000
const OUR_STRINGS = 3

/** What would make a restore into this server fail or lose something. */
export async function preflight(
  settings: OpenbaoSettings,
  details: OpenbaoDetails,
  context: Context,
): Promise<readonly Finding[]> {
  const subject = `openbao ${settings.address}`
  try {
    return await withClient(settings, 'restore', context, async (client) => {
      const { cluster_id, storage_type, version } = await requireReady(client, context)
      const other = details.clusterId !== null && cluster_id !== details.clusterId
      return [
        {
          level: other ? 'warning' : 'ok',
          subject,
          message: other ? `another cluster than the one that was captured, version ${version}` : `version ${version}`,
        },
        ...(await mountFindings(details, settings, client)),
        ...sizeFindings(details, storage_type),
        ...stringFindings(details),
        ...numberFindings(details),
        ...(await rightFindings(details, client)),
        {
          level: 'warning',
          subject: 'history',
          message:
            'where a secret has another history, its value comes back as the next version, and the history stays',
        },
        ...extraFindings(settings),
      ]
    })
  } catch (error) {
    context.signal.throwIfAborted()
    return [failedFinding(subject, error)]
  }
}

function extraFindings({ pruneExtra }: OpenbaoSettings): Finding[] {
  if (!pruneExtra)
    return [{ level: 'ok', subject: 'other secrets', message: 'what the restore point does not have stays' }]
  const message = 'secrets that the restore point does not have are deleted; version 2 mounts can undelete them'
  return [{ level: 'warning', subject: 'other secrets', message }]
}

function sizeFindings({ largestSecret }: OpenbaoDetails, storage: string | undefined): Finding[] {
  if (storage !== 'raft' || largestSecret <= RAFT_ENTRY) return []
  return [
    {
      level: 'warning',
      subject: 'size',
      message: `the largest secret with its versions has ${largestSecret} bytes; raft storage takes ${RAFT_ENTRY} for one version unless max_entry_size is higher`,
    },
  ]
}

function stringFindings({ mostStrings = 0 }: OpenbaoDetails): Finding[] {
  if (mostStrings + OUR_STRINGS <= REQUEST_STRINGS) return []
  const message = `a secret has ${mostStrings} names and values; OpenBao takes ${REQUEST_STRINGS} in one request, with ${OUR_STRINGS} of Holdfast's own, unless its listener says otherwise`
  return [{ level: 'warning', subject: 'strings', message, hint: LIMITS_HINT }]
}

function numberFindings({ highestVersion }: OpenbaoDetails): Finding[] {
  if (highestVersion <= MOST_PLACEHOLDERS) return []
  const message = `a secret has had ${highestVersion} versions; where more than ${MOST_PLACEHOLDERS} are lost, versions are numbered anew`
  return [{ level: 'warning', subject: 'version numbers', message }]
}

const capabilities = z.object({ data: anyNames(z.array(z.string())) })

/** Asks the server what this token may; without the right to ask that, it is not known. */
async function rightFindings({ mounts }: OpenbaoDetails, client: Client): Promise<Finding[]> {
  const wanted = mounts.flatMap(rightsFor)
  const answer = await client.call({
    method: 'POST',
    path: 'sys/capabilities-self',
    body: { paths: wanted.map(({ path }) => path) },
    accept: [403],
  })
  const parsed = capabilities.safeParse(answer.body)
  if (!parsed.success) return [{ level: 'untested', subject: 'rights', message: 'this token may not ask what it may' }]
  return wanted.flatMap(({ path, needs }) => {
    const has = parsed.data.data[path] ?? []
    const missing = has.includes('root') ? [] : needs.filter((need) => !has.includes(need))
    if (missing.length === 0) return []
    return [
      {
        level: 'error',
        subject: `right on ${path}`,
        message: `${missing.join(', ')} missing`,
        hint: 'holdfast rights openbao restore prints a policy.',
      } as const,
    ]
  })
}

function rightsFor({ path, version }: CapturedMount): { readonly path: string; readonly needs: readonly string[] }[] {
  const mount = encodePath(path)
  if (version === 1) return [{ path: `${mount}/holdfast`, needs: ['create', 'update', 'read'] }]
  return [
    { path: `${mount}/data/holdfast`, needs: ['create', 'update', 'read'] },
    { path: `${mount}/metadata/holdfast`, needs: ['create', 'update', 'read'] },
    { path: `${mount}/delete/holdfast`, needs: ['update'] },
    { path: `${mount}/destroy/holdfast`, needs: ['update'] },
  ]
}
