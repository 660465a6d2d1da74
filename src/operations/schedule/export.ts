import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import { scheduledCommands } from '../../config/schedules-schema.ts'
import type { App } from '../app.ts'
import { cronJobFile, type ClusterPlace } from './cronjob.ts'
import { crontabFile } from './crontab.ts'
import type { ExportedFile, ScheduledJob } from './job.ts'
import { systemdFiles, type SystemdPlace } from './systemd.ts'

/** What runs the commands, and where. */
export type ScheduleTarget =
  | ({ readonly kind: 'cronjob' } & ClusterPlace)
  | ({ readonly kind: 'systemd' } & SystemdPlace)
  | ({ readonly kind: 'cron'; readonly zone: string } & SystemdPlace)

type Scheduled = Pick<App, 'name' | 'schedules' | 'platform'>

/** The files by which these apps run as their `schedules` say. Changes nothing. Fails with `notFound` where there are none. */
export function exportSchedules(apps: readonly Scheduled[], target: ScheduleTarget): readonly ExportedFile[] {
  const jobs = apps.flatMap(jobsOf)
  if (jobs.length === 0)
    throw new Failure('notFound', `no schedules of ${apps.map(({ name }) => name).join(', ')} in the configuration`, {
      hint: 'Add them to the app, for example schedules: {backup: {cron: "0 2 * * *", timezone: Europe/Paris}}.',
    })
  if (target.kind === 'cronjob') return [cronJobFile(jobs, target)]
  return target.kind === 'systemd' ? systemdFiles(jobs, target) : [crontabFile(jobs, target, target.zone)]
}

const inNamespace = z.object({ namespace: z.string() })

function jobsOf({ name, schedules = {}, platform }: Scheduled): readonly ScheduledJob[] {
  const { namespace } = inNamespace.safeParse(platform?.settings).data ?? {}
  return scheduledCommands.flatMap((command) => {
    const schedule = schedules[command]
    return schedule === undefined ? [] : [{ ...schedule, app: name, command, namespace }]
  })
}
