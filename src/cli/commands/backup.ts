import type { Command as Commander } from 'commander'
import type { BackupPlan } from '../../operations/backup/plan.ts'
import type { BackupReport } from '../../operations/backup/report.ts'
import { acceptOption } from '../ask/accept-option.ts'
import { JITTER, waitJitter } from '../ask/wait-jitter.ts'
import { chooseApp } from '../choose-app.ts'
import { run, type Cli } from '../cli.ts'
import type { Ending } from '../ending.ts'
import { formatFindings, withoutWarnings } from '../print/findings.ts'
import { formatBytes, formatDuration, formatTable, formatTime, quoted } from '../print/format.ts'
import { formatKeyFits } from '../print/key-fits.ts'
import { pauseLines } from '../print/pause-lines.ts'
import { windowLines } from '../print/window-lines.ts'
import type { App, OperationContext } from '../../operations/app.ts'
import type { Changes } from '../../operations/changes/look.ts'
import type { Command } from '../run-command.ts'

interface BackupOptions {
  readonly dryRun?: boolean
  readonly accept?: readonly string[]
  readonly note?: string
  readonly hold?: boolean
  readonly jitter?: string
  readonly ifChanged?: boolean
}

export function addBackup(program: Commander, cli: Cli): void {
  program
    .command('backup [app]')
    .description('make a restore point, read it back, and commit it')
    .option('--note <text>', 'say in one line what it is of; everybody who can read the repository can read it')
    .option('--hold', 'never prune it, until holdfast release')
    .option(
      '--if-changed',
      'only when files or secrets have changed and settled since the last one; at most one an hour',
    )
    .option(...JITTER)
    .option('-n, --dry-run', 'show what would be done')
    .addOption(acceptOption('backup'))
    .action((name: string | undefined, options: BackupOptions, command: Commander) =>
      run(cli, command, (given) => backup(given, name, options), options.dryRun),
    )
}

async function backup(command: Command, name: string | undefined, options: BackupOptions): Promise<Ending> {
  await waitJitter(options.jitter, command.assembly.context)
  const { planBackup } = await import('../../operations/backup/plan.ts')
  const { backupOrder } = await import('../../operations/backup/order.ts')
  const { runBackup } = await import('../../operations/backup/run.ts')

  const app = chooseApp(command.assembly.apps, name)
  const { context } = command.assembly
  const changes = options.ifChanged === true ? await lookedFor(app, options.dryRun === true, context) : undefined
  if (changes !== undefined && changes.verdict !== 'changed') {
    command.result({ changes: documentOf(changes) }, () => changesText(changes))
    return 'done'
  }
  if (options.dryRun !== true) command.announce({ command: 'backup', apps: [app.name] })
  const plan = await planBackup(app, context, { ...options, changes })
  if (options.dryRun === true) {
    command.result({ plan }, () => planText(plan))
    return 'done'
  }
  const ran = await runBackup(app, backupOrder.parse(plan), context)
  const report = { ...ran, findings: [...plan.findings, ...ran.findings] }
  const findings = withoutWarnings(report.findings, command.options.quiet)
  command.result({ report }, () => reportText({ ...report, findings }))
  // What was captured is good and stored; what it was captured from is in doubt.
  if (report.alarms.length > 0) return 'refused'
  if (report.notResumed !== undefined) return report.notResumed.kind
  return report.outcome === 'done' ? 'done' : 'incomplete'
}

async function lookedFor(app: App, isDryRun: boolean, context: OperationContext): Promise<Changes> {
  const { lookForChanges } = await import('../../operations/changes/look.ts')
  return await lookForChanges(app, isDryRun, context)
}

function documentOf({ verdict, changed, until }: Changes) {
  return { verdict, changed, ...(until === undefined ? {} : { until: until.toISOString() }) }
}

function changesText({ verdict, changed, until }: Changes): string {
  if (verdict === 'unchanged') return 'Nothing has changed.'
  const names = changed.join(', ')
  if (until === undefined) return `Changed: ${names}. The next look makes a restore point if it stays as it is.`
  return `Changed: ${names}. The next restore point for a change may be made at ${formatTime(until.toISOString())}.`
}

/** The next step for each repository that failed. */
function hintsOf({ repositories }: BackupReport): readonly string[] {
  const hints = repositories.flatMap(({ name, failure }) =>
    failure?.hint === undefined ? [] : [`  ${name}: ${failure.hint}`],
  )
  return hints.length === 0 ? [] : ['', ...hints]
}

function notResumedLines({ notResumed }: BackupReport): readonly string[] {
  if (notResumed === undefined) return []
  return [
    '',
    `NOT RUNNING AGAIN: ${notResumed.message}`,
    ...(notResumed.hint === undefined ? [] : [`  ${notResumed.hint}`]),
  ]
}

function planText(plan: BackupPlan): string {
  const components = plan.components.map(({ name, kind }) => `  capture ${name} (${kind})`)
  const repositories = plan.repositories.map(({ name, location }) => `  store in ${name}: ${location}`)
  const label = [
    ...(plan.note === undefined ? [] : [`  say of it ${quoted(plan.note)}`]),
    ...(plan.held === true ? ['  hold it'] : []),
  ]
  return [
    `Backup of ${plan.app} would`,
    ...label,
    ...pauseLines(plan),
    ...windowLines(plan),
    ...components,
    ...repositories,
    formatFindings(plan.findings),
  ]
    .filter((line) => line !== '')
    .join('\n')
}

function reportText(report: BackupReport): string {
  const components = report.components.map(({ name, kind, outcome, bytes, durationMilliseconds, failure }) => [
    name,
    kind,
    failure === undefined ? outcome : `FAILED: ${failure.message}`,
    formatBytes(bytes),
    formatDuration(durationMilliseconds),
  ])
  const repositories = report.repositories.map(({ name, outcome, storedBytes, location, failure, remarks }) => [
    name,
    [failure === undefined ? outcome : `FAILED: ${failure.message}`, ...remarks].join(', '),
    formatBytes(storedBytes),
    location,
  ])
  const notCaptured = report.components.flatMap(({ name, notCaptured, onPurpose = [] }) => [
    ...notCaptured.map((what) => `  not captured in ${name}: ${what}`),
    ...onPurpose.map((what) => `  not captured in ${name}, on purpose: ${what}`),
  ])
  return [
    `Restore point ${report.point} of ${report.app}: ${report.outcome === 'done' ? report.truth : 'INCOMPLETE'}, ${formatDuration(report.durationMilliseconds)}`,
    ...(report.note === undefined ? [] : [`note: ${quoted(report.note)}`]),
    ...(report.held === true ? ['Held: no prune removes it until holdfast release.'] : []),
    '',
    formatTable(['component', 'kind', 'outcome', 'bytes', 'time'], components, [3, 4]),
    '',
    formatTable(['repository', 'outcome', 'stored', 'location'], repositories, [2]),
    ...hintsOf(report),
    ...notResumedLines(report),
    ...(notCaptured.length === 0 ? [] : ['', ...notCaptured]),
    ...(report.keyFit.length === 0 ? [] : ['', ...formatKeyFits(report.keyFit)]),
    ...(report.findings.length === 0 ? [] : ['', formatFindings(report.findings)]),
  ].join('\n')
}
