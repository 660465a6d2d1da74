import { isAbsolute, normalize } from 'node:path'
import { z } from 'zod'

const absolutePath = z
  .string()
  .refine((path) => isAbsolute(path) && normalize(path) === path && !path.endsWith('/') && !path.includes('\0'), {
    error: 'must be an absolute path, without a slash at the end and without . or ..',
  })

/** Names are file names when secrets are restored into a folder. */
const secretName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, 'expected letters, digits, dots, hyphens and underscores')

const secretSource = z.strictObject({
  file: absolutePath.meta({ description: 'The file that holds it: a Docker secret, an environment file, any file.' }),
  yamlKey: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .meta({ description: 'Only this value of a YAML file: the keys that lead to it.' }),
})
export type SecretSource = z.infer<typeof secretSource>

export const secretsSettings = z.strictObject({
  kind: z.literal('secrets'),
  secrets: z
    .record(secretName, secretSource)
    .refine((secrets) => Object.keys(secrets).length > 0, 'expected at least one secret')
    .meta({ description: 'Where each secret is, by name. Values are never written here.' }),
  restoreFolder: absolutePath.optional().meta({
    description: 'Restore every secret as a file of this folder (0700, files 0600), instead of to where it came from.',
  }),
  keepPreviousHours: z
    .number()
    .positive()
    .default(72)
    .meta({ description: 'How long a value that was replaced is kept for undo.' }),
})
export type SecretsSettings = z.infer<typeof secretsSettings>

const count = z.number().int().nonnegative()

/** What the manifest, which is encrypted, says of captured secrets. Digests are keyed, so that they tell nobody a value. */
export const secretsDetails = z.object({
  /** Random, of this restore point alone; base64. */
  fingerprintKey: z.string(),
  secrets: z.array(
    z.object({
      name: secretName,
      file: z.string(),
      yamlKey: z.array(z.string()).optional(),
      mode: count,
      uid: count,
      gid: count,
      bytes: count,
      trailingNewline: z.boolean(),
      /** HMAC-SHA-256 under `fingerprintKey`; people are shown its first 16 digits. */
      digest: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
})
export type SecretsDetails = z.infer<typeof secretsDetails>
export type SecretDetails = SecretsDetails['secrets'][number]
