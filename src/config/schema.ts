import { z } from 'zod'
import { alarmSettings } from '../alarms/settings.ts'
import { platformSettings, type PlatformSettings } from '../platforms/settings.ts'
import type { RetentionPolicy } from '../core/retention/retention.ts'
import { profileNames } from '../profiles/all.ts'
import { keyFitSetting, type KeyFitSetting } from '../profiles/use-recipe.ts'
import { secretReference } from '../system/secret-reference.ts'
import { duration } from './duration.ts'
import { hooksSetting, type Hooks } from './hooks-schema.ts'
import { schedulesSetting, type Schedules } from './schedules-schema.ts'
import { windowsSetting } from './windows-schema.ts'
import { recipient, repository, repositoryVariants, type RepositoryConfig } from './repository-schema.ts'

/** The settings schemas of the component kinds, by kind. Each is an object schema with `kind: z.literal(<kind>)`. */
export type ComponentSchemas = Readonly<Record<string, z.ZodType>>

/** Apps, repositories and components. */
export const namePattern = /^[a-z0-9][a-z0-9-]{0,62}$/
// Wrong names are found by `findMistakes`: zod would skip what is under them and so hide further problems.
const name = z.string().meta({ pattern: namePattern.source })

const absolutePath = z.string().regex(/^\//, 'expected an absolute path')
const signer = z.string().regex(/^ed25519:[A-Za-z0-9+/]{43}=$/, 'expected ed25519: and the base64 of 32 bytes')
const count = z.number().int().min(0).default(0)

const retention = z
  .strictObject({
    last: count.meta({ description: 'Keep this many of the newest good points.' }),
    daily: count.meta({ description: 'Keep the newest good point of this many days.' }),
    weekly: count.meta({ description: 'Keep the newest good point of this many ISO weeks.' }),
    monthly: count.meta({ description: 'Keep the newest good point of this many months.' }),
    yearly: count.meta({ description: 'Keep the newest good point of this many years.' }),
    within: duration
      .optional()
      .meta({ description: 'Keep good points at most this much older than the newest good one.' }),
    minimum: z.number().int().min(1).default(3).meta({ description: 'Never go under this many good points.' }),
    // Checked by `findMistakes`, which can name the nearest zone.
    timezone: z.string().default('UTC').meta({ description: 'IANA time zone of days, weeks, months and years.' }),
  })
  .transform(({ within, ...policy }): RetentionPolicy => ({ ...policy, withinMilliseconds: within ?? 0 }))

const objectives = z
  .strictObject({
    rpo: duration.optional().meta({ description: 'How old the newest good point may be; interval and a quarter.' }),
    drillInterval: duration.prefault('35d').meta({ description: 'How long ago the last drill that passed may be.' }),
  })
  .transform(({ rpo, drillInterval }) => ({ rpoMilliseconds: rpo, drillIntervalMilliseconds: drillInterval }))

const lostTogether = z.strictObject({
  repository: z.string().meta({ description: 'A repository of this app.' }),
  reason: z.string().min(1).meta({ description: 'Why it may lie with what it protects.' }),
})

function componentsSchema(kinds: ComponentSchemas): z.ZodType<Readonly<Record<string, ComponentSettings>>> {
  // ComponentSchemas requires of every member what the discriminated union requires.
  const schemas = Object.values(kinds) as unknown as readonly z.ZodObject<{ kind: z.ZodLiteral<string> }>[]
  const [first, ...others] = schemas.map((schema) => schema.safeExtend(anyComponent))
  if (first === undefined) throw new TypeError('there is no kind of component')
  return z.record(name, z.discriminatedUnion('kind', [first, ...others]))
}

/** What a component of every kind may have beside the settings of its kind. */
const anyComponent = {
  captureWhile: z.enum(['running', 'paused']).default('running').meta({
    description: "paused: a backup stops the app's workloads while it reads this component, and starts them again.",
  }),
}

/** Parsed by the schema of its kind. */
export interface ComponentSettings {
  readonly kind: string
  readonly captureWhile: 'running' | 'paused'
  readonly [setting: string]: unknown
}

function appSchema(kinds: ComponentSchemas): z.ZodType<AppConfig> {
  return z
    .strictObject({
      repositories: z
        .array(z.string())
        .min(1)
        .meta({ description: 'Names of the repositories that get the restore points.' }),
      interval: duration.prefault('24h').meta({ description: 'How often a backup is expected.' }),
      objectives: objectives.prefault({}),
      lostTogether: z.array(lostTogether).default([]).meta({
        description: 'Repositories that may be lost together with the app, each with the reason why that is accepted.',
      }),
      retention: retention.prefault({}),
      priority: z.enum(['background', 'normal']).default('background').meta({
        description:
          'background: holdfast backup takes what other programs of its machine leave of the processors. Restores and drills never wait.',
      }),
      profile: z.enum(profileNames).optional().meta({
        description: 'Which known app it is: check and every plan of a restore say what is known of it.',
      }),
      components: componentsSchema(kinds),
      platform: platformSettings.optional().meta({
        description: 'Where the workloads of the app run, which Holdfast stops and starts again.',
      }),
      hooks: hooksSetting,
      windows: windowsSetting,
      schedules: schedulesSetting,
      keyFit: z.array(keyFitSetting).default([]).meta({ description: 'Proofs that the captured keys open the data.' }),
    })
    .transform(({ interval, objectives: given, ...app }) => ({
      ...app,
      intervalMilliseconds: interval,
      objectives: { ...given, rpoMilliseconds: given.rpoMilliseconds ?? interval * 1.25 },
    }))
}

export interface AppConfig {
  readonly repositories: readonly string[]
  readonly intervalMilliseconds: number
  readonly objectives: { readonly rpoMilliseconds: number; readonly drillIntervalMilliseconds: number }
  readonly lostTogether: readonly { readonly repository: string; readonly reason: string }[]
  readonly priority: 'background' | 'normal'
  readonly retention: RetentionPolicy
  readonly profile?: string | undefined
  readonly components: Readonly<Record<string, ComponentSettings>>
  readonly platform?: PlatformSettings | undefined
  readonly hooks: Hooks
  readonly windows: z.infer<typeof windowsSetting>
  readonly schedules: Schedules
  readonly keyFit: readonly KeyFitSetting[]
}

/** The schema of the whole file. */
export function configSchema(kinds: ComponentSchemas, repositories: z.ZodType<RepositoryConfig> = repository) {
  return z
    .strictObject({
      version: z.literal(1).meta({ description: 'The version of this format.' }),
      state: absolutePath.optional().meta({ description: 'Folder for journals and the memory of repositories.' }),
      signingKey: secretReference.optional(),
      identity: secretReference.optional(),
      signers: z.array(signer).default([]).meta({ description: 'Whose restore points are trusted.' }),
      offlineRecipients: z
        .array(recipient)
        .default([])
        .meta({ description: 'Public keys whose private keys are kept neither here nor in a repository.' }),
      alarms: z.array(alarmSettings).default([]).meta({
        description: 'Who is told how backups, drills, prunes and looks at the status ended.',
      }),
      repositories: z.record(name, repositories),
      apps: z.record(name, appSchema(kinds)),
    })
    .meta({ title: 'holdfast.yaml' })
}

/** For editors: JSON Schema (draft 2020-12) of what may be written in the file. */
export function configJsonSchema(kinds: ComponentSchemas): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(configSchema(kinds, z.union(repositoryVariants)), {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => allowUrl(jsonSchema),
  })
}

/** What a URL gives need not be written beside it. */
function allowUrl(schema: z.core.JSONSchema.BaseSchema): void {
  const given = ['database', 'user']
  if (schema.properties?.['from'] === undefined || schema.properties['database'] === undefined) return
  const { required = [] } = schema
  schema.required = required.filter((key) => !given.includes(key))
  schema.anyOf = [{ required: ['from'] }, { required: given }]
}
