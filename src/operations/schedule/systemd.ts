import { isRestricted, parseCron, type CronTimes } from '../../core/schedule/cron.ts'
import { commandOf, MARK, type ExportedFile, type ScheduledJob } from './job.ts'

/** Where Holdfast is and runs, on a host with systemd. */
export interface SystemdPlace {
  /** Absolute. */
  readonly executable: string
  /** Absolute. */
  readonly configPath: string
  readonly user?: string | undefined
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/**
 * A service and a timer for each job. A run that was missed while the machine was off is made up for once. systemd itself
 * never starts a service twice at once.
 */
export function systemdFiles(jobs: readonly ScheduledJob[], place: SystemdPlace): readonly ExportedFile[] {
  return jobs.flatMap((job) => {
    const name = `holdfast-${job.command}-${job.app}`
    return [
      { name: `${name}.service`, text: serviceText(job, place) },
      { name: `${name}.timer`, text: timerText(job, name) },
    ]
  })
}

function serviceText(job: ScheduledJob, { executable, configPath, user }: SystemdPlace): string {
  return `${MARK}
[Unit]
Description=Holdfast ${job.command} of ${job.app}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
${user === undefined ? '' : `User=${user}\n`}Environment=${quoted(`HOLDFAST_CONFIG=${configPath}`)}
ExecStart=${quoted(executable)} ${commandOf(job).join(' ')}
PrivateTmp=yes
NoNewPrivileges=yes
TimeoutStartSec=infinity
`
}

function timerText(job: ScheduledJob, name: string): string {
  const times = onCalendar(job).map((time) => `OnCalendar=${time}`)
  const jitter = job.jitterMilliseconds === 0 ? [] : [`RandomizedDelaySec=${job.jitterMilliseconds / 1000}s`]
  return `${MARK}
# Run it now:  systemctl start ${name}.service
# ${job.suspended ? 'Suspended: it is never started by itself. Let it run' : 'Let it run'}:  systemctl enable --now ${name}.timer
# Suspend it:  systemctl disable --now ${name}.timer
[Unit]
Description=Holdfast ${job.command} of ${job.app}, by its schedule
${job.suspended ? 'ConditionPathExists=!/\n' : ''}
[Timer]
${[...times, ...jitter].join('\n')}
Persistent=true

[Install]
WantedBy=timers.target
`
}

/** One time for each of the two fields of days that leaves something out: cron runs on the days of either. */
function onCalendar({ cron, timezone }: ScheduledJob): readonly string[] {
  const times = parseCron(cron)
  if (typeof times === 'string') return []
  const clock = `${spelled(times, 'hours')}:${spelled(times, 'minutes')}:00 ${timezone}`
  const [byDay, byWeekday] = [isRestricted(times, 'days'), isRestricted(times, 'weekdays')]
  const months = spelled(times, 'months')
  const onWeekdays = `${times.weekdays.map((day) => DAYS[day]).join(',')} *-${months}-* ${clock}`
  const onDays = `*-${months}-${spelled(times, 'days')} ${clock}`
  return [...(byWeekday ? [onWeekdays] : []), ...(byDay || !byWeekday ? [onDays] : [])]
}

function spelled(times: CronTimes, field: keyof CronTimes): string {
  return isRestricted(times, field) ? times[field].join(',') : '*'
}

/** Quotes, and doubles what systemd would replace. */
function quoted(text: string): string {
  const plain = text.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w./=%:@-]+$/.test(plain) ? plain : `"${plain.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
