import { isAbsolute, normalize } from 'node:path'
import { z } from 'zod'
import { keepPreviousHours } from '../keep-previous.ts'

const absolutePath = z
  .string()
  .refine((path) => isAbsolute(path) && normalize(path) === path && !path.endsWith('/') && !path.includes('\0'), {
    error: 'must be an absolute path, without a slash at the end and without . or ..',
  })

/** Names are file names when secrets are restored into a folder. */
const secretName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, 'expected letters, digits, dots, hyphens and underscores')

const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.]*$/, 'expected the name of a variable')

const secretSource = z
  .strictObject({
    file: absolutePath
      .optional()
      .meta({ description: 'The file that holds it: a Docker secret, an environment file, any file.' }),
    yamlKey: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({ description: 'Only this value of a YAML file: the keys that lead to it.' }),
    variable: variableName.optional().meta({ description: 'Only this variable of an environment file.' }),
    environment: variableName
      .optional()
      .meta({ description: 'A variable of the environment that Holdfast runs in, instead of a file.' }),
  })
  .refine(({ file, environment }) => (file === undefined) !== (environment === undefined), {
    error: 'expected file or environment, and not both',
  })
  .refine(
    ({ file, yamlKey, variable }) =>
      [yamlKey, variable].filter((part) => part !== undefined).length <= (file === undefined ? 0 : 1),
    { error: 'expected yamlKey or variable, and not both, with a file' },
  )
export type SecretSource = z.infer<typeof secretSource>

/** z.record passes over this one name without a word: that secret would never be captured. */
function refuseLostName(map: unknown, context: z.RefinementCtx): unknown {
  if (typeof map === 'object' && map !== null && Object.hasOwn(map, '__proto__'))
    context.addIssue({ code: 'custom', message: 'a secret cannot have the name __proto__: give it another' })
  return map
}

const settings = z.strictObject({
  kind: z.literal('secrets'),
  secrets: z
    .preprocess(refuseLostName, z.record(secretName, secretSource))
    .default({})
    .meta({ description: 'Where each secret is, by name. Values are never written here.' }),
  folder: absolutePath.optional().meta({
    description: 'Every file of this folder is a secret of its name: /run/secrets, or where Docker secrets come from.',
  }),
  restoreFolder: absolutePath.optional().meta({
    description: 'Restore every secret as a file of this folder (0700, files 0600), instead of to where it came from.',
  }),
  keepPreviousHours: keepPreviousHours('How long a value that was replaced is retained for undo.'),
})
export const secretsSettings = settings.refine(
  ({ secrets, folder }) => folder !== undefined || Object.keys(secrets).length > 0,
  { error: 'expected at least one secret, or a folder', path: ['secrets'] },
)
export type SecretsSettings = z.infer<typeof secretsSettings>

export function isSecretName(name: string): boolean {
  return secretName.safeParse(name).success
}

const count = z.number().int().nonnegative()

/** What the manifest, which is encrypted, says of captured secrets. Digests are keyed, so that they tell nobody a value. */
export const secretsDetails = z.object({
  /** Random, of this restore point alone; base64. */
  fingerprintKey: z.string(),
  secrets: z.array(
    z.object({
      name: secretName,
      /** One of `file` and `environment`. */
      file: z.string().optional(),
      yamlKey: z.array(z.string()).optional(),
      variable: z.string().optional(),
      environment: z.string().optional(),
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
