import { z } from 'zod'
import { isTimeZone } from '../core/retention/calendar.ts'
import { weekdays } from '../core/schedule/maintenance-window.ts'

const time = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day such as 22:00')

/** When the app may be stopped. */
export const windowsSetting = z
  .array(
    z.strictObject({
      days: z
        .array(z.enum(weekdays))
        .min(1)
        .default([...weekdays])
        .meta({ description: 'Days on which it opens.' }),
      from: time.meta({ description: 'When it opens, by the wall clock of the time zone.' }),
      to: time.meta({ description: 'When it closes; on the next day where that is not after `from`.' }),
      timezone: z
        .string()
        .refine(isTimeZone, 'expected an IANA time zone such as Europe/Paris')
        .default('UTC')
        .meta({ description: 'IANA time zone of days and times.' }),
    }),
  )
  .default([])
  .meta({ description: 'When the app may be stopped. At other times what stops it is refused. None: always.' })
