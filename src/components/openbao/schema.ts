import { z } from 'zod'
import { secretReference } from '../../system/secret-reference.ts'
import { reachSettings } from '../../platforms/settings.ts'
import type { Through } from '../../platforms/through.ts'
import { keepPreviousHours } from '../keep-previous.ts'
import { retrySeconds } from '../retry-seconds.ts'
import { product } from './capture/product.ts'

/** As the server lists it, with or without its slash at the end. Spaces are part of a name. */
const mountPath = z
  .string()
  .regex(/^(?:[^/]+\/)*[^/]+\/?$/, 'must be the path of a mount, which does not begin with a slash')
  .transform((path) => path.replace(/\/$/, ''))
const serverAddress = z
  .string()
  .regex(/^(https?:\/\/[^/\s@]+|unix:\/\/\/.+)$/, 'expected https://host:port or http://host:port, without a path')
const appRole = z.strictObject({
  mount: mountPath.default('approle').meta({ description: 'Where the auth method is mounted.' }),
  roleId: secretReference,
  secretId: secretReference,
})
const kubernetes = z.strictObject({
  mount: mountPath.default('kubernetes').meta({ description: 'Where the auth method is mounted.' }),
  role: z.string().min(1),
  tokenFile: z
    .string()
    .default('/var/run/secrets/kubernetes.io/serviceaccount/token')
    .meta({ description: "File with the service account's token." }),
})

const sealKey = z.strictObject({
  id: z.string().min(1).meta({ description: 'Its name in the configuration of the server: current_key_id.' }),
  key: secretReference.meta({
    description: 'As current_key: file:/path of the 32 bytes, or env:NAME in hexadecimal or base64.',
  }),
})

export const openbaoSettings = z.strictObject({
  kind: z.literal('openbao'),
  address: serverAddress.meta({ description: 'The server, for example https://bao.internal:8200.' }),
  reach: reachSettings.optional(),
  otherNodes: z
    .array(serverAddress)
    .min(1)
    .optional()
    .meta({ description: 'The other servers of its cluster; whichever is active is asked.' }),
  namespace: z.string().min(1).optional().meta({ description: 'The namespace whose mounts are captured.' }),
  namespaces: z.enum(['own', 'all']).optional().meta({ description: 'Whether namespaces below are captured, too.' }),
  ca: z.string().optional().meta({ description: "File with the CA certificates that sign the server's certificate." }),
  token: secretReference.optional(),
  appRole: appRole.optional(),
  kubernetes: kubernetes.optional(),
  restoreToken: secretReference.optional(),
  restoreAppRole: appRole.optional(),
  mounts: z
    .array(mountPath)
    .min(1)
    // Which of two equal ones is a slip does not matter; both would be captured as one and missed as the other.
    .transform((paths) => [...new Set(paths)])
    .optional()
    .meta({ description: 'KV mounts to capture. Default: all that the server lists.' }),
  scan: z.boolean().default(true).meta({
    description:
      'A capture lists many folders with few secrets each, of a mount of KV version 2, in one request where the token may, if the answer has at most 8 MiB.',
  }),
  createMounts: z
    .boolean()
    .default(false)
    .meta({ description: 'A restore makes KV mounts that are missing; needs the right to.' }),
  pruneExtra: z
    .boolean()
    .default(false)
    .meta({ description: 'A restore deletes the current version of secrets that the restore point does not have.' }),
  snapshot: z
    .enum(['auto', 'require', 'off'])
    .default('auto')
    .meta({ description: 'The raft snapshot beside the secrets: when possible, always, or never.' }),
  drillUnsealKeys: z.array(secretReference).min(1).optional().meta({
    description:
      'Unseal keys with which a drill opens the raft snapshot, or recovery keys beside drillSealKeys. Never captured.',
  }),
  drillSealKeys: z.array(sealKey).min(1).max(2).optional().meta({
    description:
      'The key of a static seal, and then the one before it, with which a drill opens the raft snapshot. Never captured.',
  }),
  serverProgram: z
    .string()
    .optional()
    .meta({ description: 'The program bao or vault, for throw-away servers of drills. Default: found on PATH.' }),
  workers: z.number().int().min(1).max(100).default(20).meta({ description: 'Requests at once.' }),
  retrySeconds,
  keepPreviousHours: keepPreviousHours('How long replaced values are retained for undo.'),
})
export interface OpenbaoSettings extends z.infer<typeof openbaoSettings> {
  /** What `reach` says, wired. */
  readonly through?: Through | undefined
}
export type AppRole = z.infer<typeof appRole>
export type Kubernetes = z.infer<typeof kubernetes>

const count = z.number().int().nonnegative()

/** What holds for all secrets of a version 2 mount, as the server words it. */
export const kvConfig = z.object({
  max_versions: count,
  cas_required: z.boolean(),
  delete_version_after: z.string(),
  /** Absent in points of before it was captured, and of servers that do not know it. */
  metadata_cas_required: z.boolean().optional(),
})
export type KvConfig = z.infer<typeof kvConfig>

/** A value that key fit used, `mount/path#key`; digested under the key of the restore point. */
const capturedKey = z.object({
  name: z.string(),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  trailingNewline: z.boolean(),
})
export type CapturedKey = z.infer<typeof capturedKey>

const capturedMount = z.object({
  /** From the configured namespace on: the name of a namespace below is its beginning. */
  path: z.string(),
  /** The namespace below in which it is. */
  namespace: z.string().optional(),
  version: z.union([z.literal(1), z.literal(2)]),
  description: z.string(),
  /** Version 2 only; null where it may not be read. */
  config: kvConfig.nullable(),
  secrets: count,
  versions: count,
})
export type CapturedMount = z.infer<typeof capturedMount>

export const openbaoDetails = z.object({
  address: z.string(),
  namespace: z.string().optional(),
  serverVersion: z.string(),
  /** Absent in points of before it was recorded, and where the server did not say. */
  product: product.optional(),
  clusterId: z.string().nullable(),
  storage: z.string().nullable(),
  seal: z.object({ type: z.string(), threshold: count, shares: count }),
  /** Which generation of the keyring encrypts the storage; null where it may not be read. */
  keyring: z.object({ term: z.number(), installed: z.string() }).nullable(),
  mounts: z.array(capturedMount),
  secrets: count,
  /** The largest number of versions that one secret ever had. */
  highestVersion: count,
  /** Length of the longest line of the artifact `secrets`. */
  largestSecret: count,
  /** Names and values that are strings, in the one version that has most. Absent in points of before it was counted. */
  mostStrings: count.optional(),
  /** Of the artifact `secrets`, so that a copy of it can be trusted. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  snapshot: z.object({ index: z.number(), term: z.number(), bytes: count }).nullable(),
  readFrom: z.string(),
  readUntil: z.string(),
  /** Taken from a list that another program wrote, and not from a server: only newest values, and nothing is known of the server. */
  imported: z.object({ source: z.string(), sha256: z.string(), bytes: count }).optional(),
  keys: z.array(capturedKey).optional(),
})
export type OpenbaoDetails = z.infer<typeof openbaoDetails>
