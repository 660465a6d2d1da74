import type { Context } from '../../core/ports.ts'
import { withClient } from './connect.ts'
import { OWN_FOLDER } from './kv-paths.ts'
import { findMounts } from './mounts.ts'
import type { KvMount } from './mounts.ts'
import type { OpenbaoSettings } from './schema.ts'

interface Rule {
  readonly path: string
  readonly capabilities: readonly string[]
  readonly why: string
}

/**
 * The least that a capture or a restore of these settings needs, in HCL. Asks the server which KV mounts there are and of
 * which version; changes nothing.
 */
export async function policyFor(
  settings: OpenbaoSettings,
  purpose: 'capture' | 'restore',
  context: Context,
): Promise<string> {
  const mounts = await withClient(settings, 'capture', context, (client) => findMounts(settings, client))
  const rules = purpose === 'capture' ? captureRules(settings, mounts) : restoreRules(settings, mounts)
  return [
    `# What Holdfast needs for a ${purpose} from ${settings.address}. Nothing else is allowed.`,
    ...rules.map(ruleText),
  ].join('\n\n')
}

function ruleText({ path, capabilities, why }: Rule): string {
  return `# ${why}\npath ${JSON.stringify(path)} {\n  capabilities = [${capabilities.map((one) => JSON.stringify(one)).join(', ')}]\n}`
}

function captureRules({ snapshot, mounts: named, namespace }: OpenbaoSettings, mounts: readonly KvMount[]): Rule[] {
  return [
    ...ofServer(named),
    { path: 'sys/key-status', capabilities: ['read'], why: 'which keyring encrypts the storage' },
    ...['sys/auth', 'sys/audit', 'sys/policies/acl/*'].map((path) => ({
      path,
      capabilities: path === 'sys/audit' ? ['read', 'sudo'] : ['read'],
      why: 'readable configuration',
    })),
    { path: 'sys/policies/acl', capabilities: ['list'], why: 'readable configuration' },
    ...(snapshot === 'off' || namespace !== undefined
      ? []
      : [
          {
            path: 'sys/storage/raft/snapshot',
            capabilities: ['read'],
            why: 'the raft snapshot: all of the server, encrypted',
          },
        ]),
    ...mounts.flatMap(captureMountRules),
  ]
}

function ofServer(named: readonly string[] | undefined): Rule[] {
  if (named !== undefined) return OWN_TOKEN
  return [{ path: 'sys/mounts', capabilities: ['read'], why: 'to find the KV mounts' }, ...OWN_TOKEN]
}

const OWN_TOKEN: Rule[] = [
  { path: 'auth/token/lookup-self', capabilities: ['read'], why: 'its own token' },
  { path: 'auth/token/renew-self', capabilities: ['update'], why: 'its own token' },
  { path: 'auth/token/revoke-self', capabilities: ['update'], why: 'its own token' },
  { path: 'sys/capabilities-self', capabilities: ['update'], why: 'to check its rights before it starts' },
]

function captureMountRules({ path, version }: KvMount): Rule[] {
  if (version === 1) return [{ path: `${path}/*`, capabilities: ['read', 'list'], why: `secrets of ${path}` }]
  return [
    { path: `${path}/config`, capabilities: ['read'], why: `how ${path} is configured` },
    { path: `${path}/detailed-metadata/*`, capabilities: ['list'], why: `metadata of ${path}, many at once` },
    { path: `${path}/metadata/*`, capabilities: ['read', 'list'], why: `metadata of ${path}` },
    { path: `${path}/data/*`, capabilities: ['read'], why: `secrets of ${path}` },
  ]
}

function restoreRules({ mounts: named, createMounts }: OpenbaoSettings, mounts: readonly KvMount[]): Rule[] {
  return [
    ...ofServer(named),
    ...mounts.flatMap(restoreMountRules),
    ...(createMounts ? mounts.flatMap(makeMountRules) : []),
  ]
}

function restoreMountRules({ path, version }: KvMount): Rule[] {
  const own = { capabilities: ['create', 'update', 'read', 'list', 'delete'], why: 'what a restore keeps for undo' }
  if (version === 1)
    return [
      {
        path: `${path}/*`,
        capabilities: ['create', 'update', 'read', 'list', 'delete'],
        why: `secrets of ${path}; deleting is for undo`,
      },
    ]
  return [
    { path: `${path}/config`, capabilities: ['read'], why: `how ${path} is configured` },
    { path: `${path}/detailed-metadata/*`, capabilities: ['list'], why: `metadata of ${path}, many at once` },
    {
      path: `${path}/metadata/*`,
      capabilities: ['create', 'update', 'read', 'list'],
      why: `metadata of ${path}; not deleting it`,
    },
    { path: `${path}/data/*`, capabilities: ['create', 'update', 'read'], why: `secrets of ${path}` },
    { path: `${path}/delete/*`, capabilities: ['update'], why: `versions of ${path} that were deleted` },
    { path: `${path}/destroy/*`, capabilities: ['update'], why: `versions of ${path} that were destroyed` },
    { path: `${path}/metadata/${OWN_FOLDER}/*`, ...own },
  ]
}

function makeMountRules({ path, version }: KvMount): Rule[] {
  const make = {
    path: `sys/mounts/${path}`,
    capabilities: ['create', 'update'],
    why: 'to make the mount where it is missing',
  }
  return version === 1
    ? [make]
    : [make, { path: `${path}/config`, capabilities: ['read', 'create', 'update'], why: 'to configure what it made' }]
}
