import type { Command as Commander } from 'commander'
import type { App } from '../../../operations/app.ts'
import { describeInto } from '../../../core/texts/into-text.ts'
import type { RetainedSummary } from '../../../operations/undo/retained.ts'
import type { UndoPlan } from '../../../operations/undo/undo.ts'
import { acceptOption } from '../../ask/accept-option.ts'
import { confirmByTyping } from '../../ask/confirm.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatBytes, formatDuration, formatTable, formatTime } from '../../print/format.ts'
import { pauseLines } from '../../print/pause-lines.ts'
import { windowLines } from '../../print/window-lines.ts'
import type { Command } from '../../run-command.ts'

interface UndoOptions {
  readonly accept?: readonly string[]
  readonly restore?: string
  readonly list?: boolean
  readonly forget?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
}

export function addUndo(program: Commander, cli: Cli): void {
  program
    .command('undo [app]')
    .description('bring back the data that the last restore replaced')
    .option('--restore <id>', "undo this restore, wherever it went, in place of the newest of the app's own place")
    .option('--list', 'show what is retained for undo, with its size, and stop')
    .option('--forget <restore>', 'remove for good what this restore set aside')
    .addOption(acceptOption('undo'))
    .option('-n, --dry-run', 'show the plan and stop')
    .option('-y, --yes', 'do not ask to type the name of the app')
    .action((name: string | undefined, options: UndoOptions, command: Commander) =>
      run(cli, command, (given) => undo(given, chooseApp(given.assembly.apps, name), options), options.dryRun),
    )
}

async function undo(command: Command, app: App, options: UndoOptions): Promise<Ending> {
  if (options.list === true) return await list(command, app)
  if (options.forget !== undefined) return await forget(command, app, options.forget, options.yes === true)
  return await bringBack(command, app, options)
}

async function bringBack(command: Command, app: App, options: UndoOptions): Promise<Ending> {
  const { planUndo, runUndo, undoOrder } = await import('../../../operations/undo/undo.ts')
  const { outsideWindow } = await import('../../../operations/pause/window.ts')

  const plan = await planUndo(app, options.restore, command.assembly.context)
  if (options.dryRun === true) {
    command.result({ plan }, () => planText(plan))
    return 'done'
  }
  command.say(() => planText(plan))
  await confirmByTyping(
    command.ports,
    plan.confirmation,
    'bring back the data from before that restore',
    options.yes === true,
  )
  const report = await runUndo(
    app,
    undoOrder.parse({ ...plan, ...outsideWindow(options.accept ?? []) }),
    command.assembly.context,
  )
  command.result(
    { report },
    () =>
      `${outcomeOf(report)}, ${formatDuration(report.durationMilliseconds)}. What the restore had brought is kept aside until holdfast prune.`,
  )
  return 'done'
}

function outcomeOf({ restoreId, app, components }: UndoPlan): string {
  return components.every(({ wasNothing }) => wasNothing)
    ? `Nothing of ${app} is live, as before restore ${restoreId}`
    : `The data from before restore ${restoreId} of ${app} is live again`
}

function placeOf({ into }: UndoPlan): string {
  return into === undefined ? '' : ` into ${describeInto(into)}`
}

function planText(plan: UndoPlan): string {
  return [
    `Undo of restore ${plan.restoreId} of ${plan.app}${placeOf(plan)}: what is live now, with everything written since, is set aside for`,
    ...plan.components.map(
      ({ name, description, since, until }) =>
        `  ${name}: ${description}, as it was at ${formatTime(since)} (kept until ${formatTime(until)})`,
    ),
    ...pauseLines(plan),
    ...windowLines(plan),
  ].join('\n')
}

async function list(command: Command, app: App): Promise<Ending> {
  const { listRetained } = await import('../../../operations/undo/retained.ts')
  const retained = await listRetained(app, command.assembly.context)
  command.result({ retained }, () =>
    retained.length === 0 ? `Nothing is retained for undo of ${app.name}.` : tableOf(retained),
  )
  return 'done'
}

async function forget(command: Command, app: App, restoreId: string, yes: boolean): Promise<Ending> {
  const { forgetRetained, planForget } = await import('../../../operations/undo/retained.ts')
  const { context } = command.assembly
  const planned = await planForget(app, restoreId, context)
  command.say(() => `Remove for good what restore ${restoreId} set aside:\n${tableOf(planned)}`)
  await confirmByTyping(command.ports, app.name, 'remove it', yes)
  const forgotten = await forgetRetained(app, restoreId, context)
  command.result({ forgotten }, () => `Removed what restore ${restoreId} of ${app.name} had set aside.`)
  return 'done'
}

function tableOf(retained: readonly RetainedSummary[]): string {
  const rows = retained.map(({ restoreId, component, description, since, until, bytes }) => [
    restoreId,
    component,
    formatTime(since),
    formatTime(until),
    bytes === null ? '-' : formatBytes(bytes),
    description,
  ])
  return formatTable(['restore', 'component', 'set aside', 'kept until', 'size', 'what'], rows, [4])
}
