import { z } from 'zod'
import { secretReference } from '../system/secret-reference.ts'

/** Whose runs are told. */
const namedCommands = ['backup', 'drill', 'prune', 'status'] as const
export type NamedCommand = (typeof namedCommands)[number]

/** The settings of every kind of alarm. Apart from what they do: reading a configuration loads none of it. */

const common = {
  commands: z
    .array(z.enum(namedCommands))
    .min(1)
    .default(['backup', 'drill', 'prune'])
    .meta({ description: 'Of which commands it tells.' }),
  apps: z.array(z.string()).min(1).optional().meta({ description: 'Of which apps it tells. Default: all.' }),
}

/** For what people read: a success every night is soon read by nobody. */
const on = z
  .enum(['failure', 'always'])
  .default('failure')
  .meta({ description: 'failure: also of what is incomplete, or a status that is not good. always: of every run.' })

const heartbeat = z.strictObject({
  kind: z.literal('heartbeat'),
  ...common,
  url: secretReference.meta({
    description: 'Asked by GET when a run went well. Who answers it alarms when it stays away.',
  }),
  failUrl: secretReference
    .optional()
    .meta({ description: 'Asked when a run failed. Without it the heartbeat stays away.' }),
})

const webhook = z.strictObject({
  kind: z.literal('webhook'),
  ...common,
  on,
  url: secretReference.meta({ description: 'Gets a POST with a JSON document.' }),
  secret: secretReference.optional().meta({ description: 'Signs the document, as Standard Webhooks says.' }),
})

const mail = z.strictObject({
  kind: z.literal('mail'),
  ...common,
  on,
  server: z
    .url({ protocol: /^smtps?$/, error: 'expected a URL such as smtps://user@mail.example.com' })
    .refine((text) => !/:\/\/[^/@]*:[^/@]*@/.test(text), 'the password has a setting of its own')
    .meta({ description: 'smtps://user@host, or smtp://user@host:587, which is encrypted before a password is sent.' }),
  password: secretReference.optional().meta({ description: 'Of the user in `server`.' }),
  from: z.string().min(3).meta({ description: 'The sender.' }),
  to: z.array(z.string().min(3)).min(1).meta({ description: 'Who gets it.' }),
})

const ntfy = z.strictObject({
  kind: z.literal('ntfy'),
  ...common,
  on,
  url: secretReference.meta({ description: 'The topic, for example https://ntfy.example.com/backups.' }),
  token: secretReference.optional().meta({ description: 'An access token of the server.' }),
})

const textfile = z.strictObject({
  kind: z.literal('textfile'),
  ...common,
  folder: z
    .string()
    .regex(/^\//, 'expected an absolute path')
    .meta({ description: "The folder of node_exporter's textfile collector." }),
})

export const alarmSettings = z.discriminatedUnion('kind', [heartbeat, webhook, mail, ntfy, textfile])
export type AlarmSettings = z.infer<typeof alarmSettings>
export type AlarmOf<Kind extends AlarmSettings['kind']> = Extract<AlarmSettings, { kind: Kind }>
