import { describeInto } from '../../../operations/restore/into/into.ts'
import { planUndo, runUndo, undoOrder, type UndoPlan } from '../../../operations/undo/undo.ts'
import { confirmByTyping } from '../../ask/confirm.ts'
import { formatDuration, formatTime } from '../../print/format.ts'
import { chooseApp, type Command } from '../../run-command.ts'
import { undoForget, undoList } from './undo-retained.ts'

export interface UndoOptions {
  readonly restore?: string
  readonly list?: boolean
  readonly forget?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
}

/** `holdfast undo <app>` */
export async function undo(command: Command, name: string | undefined, options: UndoOptions): Promise<number> {
  const app = chooseApp(command.assembly.apps, name)
  if (options.list === true) return await undoList(command, app)
  if (options.forget !== undefined) return await undoForget(command, app, options.forget, options.yes === true)
  const plan = await planUndo(app, options.restore, command.assembly.context)
  if (options.dryRun === true) {
    command.result({ plan }, () => planText(plan))
    return 0
  }
  command.say(() => planText(plan))
  await confirmByTyping(
    command.world,
    plan.confirmation,
    'bring back the data from before that restore',
    options.yes === true,
  )
  const report = await runUndo(app, undoOrder.parse(plan), command.assembly.context)
  command.result(
    { report },
    () =>
      `${outcomeOf(report)}, ${formatDuration(report.durationMilliseconds)}. What the restore had brought is kept aside until holdfast prune.`,
  )
  return 0
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
  ].join('\n')
}
