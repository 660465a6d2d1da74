import { z } from 'zod'
import { isTimeZone } from '../core/retention/calendar.ts'
import { parseCron } from '../core/schedule/cron.ts'
import { shortDuration } from './duration.ts'

const cron = z
  .string()
  .superRefine((text, context) => {
    const parsed = parseCron(text)
    if (typeof parsed === 'string') context.addIssue({ code: 'custom', message: parsed })
  })
  .meta({ description: 'The five fields of cron: minute, hour, day of the month, month, day of the week.' })

const schedule = z
  .strictObject({
    cron,
    timezone: z
      .string()
      .refine(isTimeZone, 'no such time zone; expected an IANA name such as Europe/Paris')
      .default('UTC')
      .meta({ description: 'IANA time zone of the fields.' }),
    jitter: shortDuration.optional().meta({ description: 'Start at a random time, at most this much later.' }),
    suspended: z.boolean().default(false).meta({ description: 'Do not run it until this is false again.' }),
  })
  .transform(({ jitter, ...rest }) => ({ ...rest, jitterMilliseconds: jitter ?? 0 }))

/** When something is to run, by whatever runs things here. */
export type Schedule = z.infer<typeof schedule>

/** What may be scheduled, in the order in which it is exported: the names of the commands, and `changes` for `backup --if-changed`. */
export const scheduledCommands = ['backup', 'changes', 'drill', 'prune', 'status', 'guard'] as const
export type ScheduledCommand = (typeof scheduledCommands)[number]

/** When the commands of an app are to run. `holdfast schedule export` makes CronJobs, timers or lines of cron of it. */
export const schedulesSetting = z
  .partialRecord(z.enum(scheduledCommands), schedule)
  .refine(({ guard }) => (guard?.jitterMilliseconds ?? 0) === 0, {
    path: ['guard', 'jitter'],
    message: 'a guard does not wait',
  })
  .default({})
  .meta({
    description: 'When the commands of this app are to run; holdfast schedule export writes it for what runs them.',
  })
export type Schedules = z.infer<typeof schedulesSetting>
