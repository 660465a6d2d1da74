import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { keepPreviousHours } from '../keep-previous.ts'
import { retrySeconds } from '../retry-seconds.ts'

const absolutePath = z.string().refine((path) => isAbsolute(path) && !path.includes('\0'), {
  error: 'must be an absolute path',
})
const objectName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
    'expected the name of an object: lower-case letters, digits, hyphens, dots',
  )
const labelSelector = z
  .string()
  .min(1)
  .max(2000)
  .meta({ description: 'Labels as for kubectl -l, for example app.kubernetes.io/name=zitadel.' })

const elsewhere = z.strictObject({
  file: absolutePath.meta({ description: 'The file, for example a SOPS file in the GitOps checkout or its age key.' }),
  reason: z.string().min(1).meta({ description: 'Why it is needed, and where it is kept.' }),
})

export const kubernetesSecretsSettings = z
  .strictObject({
    kind: z.literal('kubernetes-secrets'),
    namespace: z
      .string()
      .max(63)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'expected the name of a namespace')
      .meta({ description: 'The namespace of the objects.' }),
    secrets: z.array(objectName).default([]).meta({ description: 'Secrets by name.' }),
    secretSelector: labelSelector.optional(),
    configMaps: z.array(objectName).default([]).meta({ description: 'ConfigMaps by name.' }),
    configMapSelector: labelSelector.optional(),
    kubeconfig: absolutePath.optional().meta({
      description:
        'A kubeconfig with a token or a certificate. Default: the service account of the pod that Holdfast runs in.',
    }),
    context: z.string().min(1).optional().meta({ description: 'A context of it. Default: its current one.' }),
    restoreContext: z.string().min(1).optional().meta({ description: 'The context that restores.' }),
    managed: z
      .enum(['compare', 'overwrite'])
      .default('compare')
      .meta({ description: 'What a restore does with objects that GitOps, Helm or an operator writes.' }),
    elsewhere: z.array(elsewhere).default([]).meta({ description: 'Files the app needs that are kept elsewhere.' }),
    retrySeconds,
    keepPreviousHours: keepPreviousHours('How long replaced values are retained for undo.'),
  })
  .refine(
    ({ secrets, secretSelector, configMaps, configMapSelector }) =>
      secrets.length + configMaps.length > 0 || secretSelector !== undefined || configMapSelector !== undefined,
    'expected secrets, secretSelector, configMaps or configMapSelector',
  )
export type KubernetesSecretsSettings = z.infer<typeof kubernetesSecretsSettings>

const count = z.number().int().nonnegative()
/** HMAC-SHA-256 under `fingerprintKey`; people are shown its first 16 digits. */
const digest = z.string().regex(/^[0-9a-f]{64}$/)
export const objectKind = z.enum(['Secret', 'ConfigMap'])
export type ObjectKind = z.infer<typeof objectKind>

const capturedKey = z.object({
  key: z.string().min(1),
  bytes: count,
  trailingNewline: z.boolean(),
  digest,
})
const capturedObject = z.object({
  object: objectKind,
  name: objectName,
  /** Of a Secret, for example `kubernetes.io/tls`. */
  type: z.string().nullable(),
  immutable: z.boolean(),
  /** Who wrote it at the capture, besides people; null when nobody was seen. */
  managedBy: z.string().nullable(),
  /** Of labels, annotations and the like: annotations may hold values, so they are in the artifact alone. */
  describedDigest: digest,
  /** Which labels and annotations these are: others are not the point's. Absent in points of before it was recorded. */
  describedNames: z.object({ labels: z.array(z.string()), annotations: z.array(z.string()) }).optional(),
  keys: z.array(capturedKey),
})
export type CapturedObject = z.infer<typeof capturedObject>

/** What the manifest, which is encrypted, says of the captured objects. Digests are keyed: they tell nobody a value. */
export const kubernetesSecretsDetails = z.object({
  server: z.string(),
  namespace: z.string(),
  /** Random, of this restore point alone; base64. */
  fingerprintKey: z.string(),
  objects: z.array(capturedObject),
})
export type KubernetesSecretsDetails = z.infer<typeof kubernetesSecretsDetails>
