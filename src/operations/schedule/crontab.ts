import { Failure } from '../../core/failure.ts'
import { argumentsOf, commandOf, MARK, type ExportedFile, type ScheduledJob } from './job.ts'
import type { SystemdPlace } from './systemd.ts'

/** What a line of cron may hold without quotes, for its shell. */
const PLAIN = /^[\w./:@+-]+$/

/**
 * One file for /etc/cron.d. Cron runs by the clock of the machine: fails with `unsupported` where a schedule is of another zone.
 * An app is locked while one works on it, so a second run ends with 11 and harms nothing.
 */
export function crontabFile(
  jobs: readonly ScheduledJob[],
  { executable, configPath, user = 'root' }: SystemdPlace,
  zone: string,
): ExportedFile {
  for (const job of jobs) requireZone(job, zone)
  for (const text of [executable, configPath, user]) requirePlain(text)
  const lines = jobs.map((job) => {
    const line = `${job.cron} ${user} HOLDFAST_CONFIG=${configPath} ${executable} ${argumentsOf(job).join(' ')} --quiet`
    return job.suspended ? `# Suspended: ${line}` : line
  })
  const runNow = jobs.map(
    (job) => `# Run it now:  HOLDFAST_CONFIG=${configPath} ${executable} ${commandOf(job).join(' ')}`,
  )
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  return { name: 'holdfast', text: [MARK, ...runNow, path, ...lines, ''].join('\n') }
}

function requireZone({ app, command, timezone }: ScheduledJob, zone: string): void {
  if (timezone === zone) return
  throw new Failure(
    'unsupported',
    `cron runs by the clock of the machine (${zone}), and ${command} of ${app} is in ${timezone}`,
    { hint: `Export systemd timers, or write the times in ${zone} and set timezone: ${zone}.` },
  )
}

function requirePlain(text: string): void {
  if (PLAIN.test(text)) return
  throw new Failure('usage', `${JSON.stringify(text)} cannot stand in a line of cron`, {
    hint: 'Use a path of letters, digits and . _ / : @ + -, or export systemd timers.',
  })
}
