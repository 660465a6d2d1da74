import type { Context } from '../../../core/ports.ts'
import { withClient } from '../client/connect.ts'
import { OWN_FOLDER } from '../kv/kv-paths.ts'
import { findMounts } from '../kv/mounts.ts'
import type { KvMount } from '../kv/mounts.ts'
import { namespacesBelow } from '../kv/namespaces.ts'
import { productOf, requireNamespace } from './product.ts'
import type { OpenbaoSettings } from '../schema.ts'
import { mountRequest, namespaceRequests } from '../kv/target-mounts.ts'

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
  const [mounts, namespaces, product] = await withClient(settings, 'capture', context, async (client) => {
    await requireNamespace(client)
    const below = settings.namespaces === 'all' ? await namespacesBelow(client) : []
    return [await findMounts(settings, client), below, await productOf(client)] as const
  })
  // Vault refuses a policy as a whole for one capability that it does not know.
  const known = { ...settings, scan: settings.scan && product !== 'vault' }
  const rules =
    purpose === 'capture' ? captureRules(known, mounts, namespaces) : restoreRules(known, mounts, namespaces)
  return [
    `# What Holdfast needs for a ${purpose} from ${settings.address}. Nothing else is allowed.`,
    ...rules.map(ruleText),
  ].join('\n\n')
}

function ruleText({ path, capabilities, why }: Rule): string {
  return `# ${why}\npath ${JSON.stringify(path)} {\n  capabilities = [${capabilities.map((one) => JSON.stringify(one)).join(', ')}]\n}`
}

function captureRules(settings: OpenbaoSettings, mounts: readonly KvMount[], namespaces: readonly string[]): Rule[] {
  const { snapshot, namespace } = settings
  return [
    ...ofServer(settings, namespaces),
    ...(settings.namespaces === 'all' ? [] : [listNamespaces('', 'which namespaces are not captured')]),
    { path: 'sys/key-status', capabilities: ['read'], why: 'which keyring encrypts the storage' },
    { path: 'sys/audit', capabilities: ['read', 'sudo'], why: 'readable configuration' },
    ...['', ...namespaces.map((one) => `${one}/`)].flatMap(configurationRules),
    ...(snapshot === 'off' || namespace !== undefined
      ? []
      : [
          {
            path: 'sys/storage/raft/snapshot',
            capabilities: ['read'],
            why: 'the raft snapshot: all of the server, encrypted',
          },
        ]),
    ...mounts.flatMap((mount) => captureMountRules(mount, settings)),
  ]
}

function configurationRules(prefix: string): Rule[] {
  const why = 'readable configuration'
  return [
    { path: `${prefix}sys/auth`, capabilities: ['read'], why },
    { path: `${prefix}sys/policies/acl/*`, capabilities: ['read'], why },
    { path: `${prefix}sys/policies/acl`, capabilities: ['list'], why },
  ]
}

function listNamespaces(prefix: string, why: string): Rule {
  return { path: `${prefix}sys/namespaces`, capabilities: ['list'], why }
}

/** A namespace that is made later needs the policy anew: until then a capture is denied and says so. */
function ofServer({ mounts, namespaces: which }: OpenbaoSettings, namespaces: readonly string[]): Rule[] {
  const prefixes = ['', ...namespaces.map((namespace) => `${namespace}/`)]
  return [
    ...(which === 'all' ? prefixes.map((prefix) => listNamespaces(prefix, 'to find the namespaces below')) : []),
    ...(mounts === undefined
      ? prefixes.map((prefix) => ({
          path: `${prefix}sys/mounts`,
          capabilities: ['read'],
          why: 'to find the KV mounts',
        }))
      : []),
    ...OWN_TOKEN,
  ]
}

const OWN_TOKEN: Rule[] = [
  { path: 'auth/token/lookup-self', capabilities: ['read'], why: 'its own token' },
  { path: 'auth/token/renew-self', capabilities: ['update'], why: 'its own token' },
  { path: 'auth/token/revoke-self', capabilities: ['update'], why: 'its own token' },
  { path: 'sys/capabilities-self', capabilities: ['update'], why: 'to check its rights before it starts' },
]

function captureMountRules({ path, version }: KvMount, { scan }: OpenbaoSettings): Rule[] {
  if (version === 1) return [{ path: `${path}/*`, capabilities: ['read', 'list'], why: `secrets of ${path}` }]
  return [
    { path: `${path}/config`, capabilities: ['read'], why: `how ${path} is configured` },
    {
      path: `${path}/detailed-metadata/*`,
      capabilities: scan ? ['list', 'scan'] : ['list'],
      why: `metadata of ${path}, many at once`,
    },
    { path: `${path}/metadata/*`, capabilities: ['read', 'list'], why: `metadata of ${path}` },
    { path: `${path}/data/*`, capabilities: ['read'], why: `secrets of ${path}` },
  ]
}

function restoreRules(settings: OpenbaoSettings, mounts: readonly KvMount[], namespaces: readonly string[]): Rule[] {
  return [
    ...ofServer(settings, namespaces),
    ...mounts.flatMap(restoreMountRules),
    ...(settings.createMounts ? [...makeNamespaceRules(mounts), ...mounts.flatMap(makeMountRules)] : []),
  ]
}

function makeNamespaceRules(mounts: readonly KvMount[]): Rule[] {
  const paths = mounts.flatMap(({ namespace }) => (namespace === undefined ? [] : namespaceRequests(namespace)))
  const why = 'to make the namespace where it is missing'
  return [...new Set(paths)].map((path) => ({ path, capabilities: ['read', 'create', 'update'], why }))
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

function makeMountRules(mount: KvMount): Rule[] {
  const { path, version } = mount
  const make = {
    path: mountRequest(mount),
    capabilities: ['create', 'update'],
    why: 'to make the mount where it is missing',
  }
  return version === 1
    ? [make]
    : [make, { path: `${path}/config`, capabilities: ['read', 'create', 'update'], why: 'to configure what it made' }]
}
