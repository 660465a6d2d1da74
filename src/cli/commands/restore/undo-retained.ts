import type { App } from '../../../operations/app.ts'
import { forgetRetained, listRetained, planForget, type RetainedSummary } from '../../../operations/undo/retained.ts'
import { confirmByTyping } from '../../ask/confirm.ts'
import { formatBytes, formatTable, formatTime } from '../../print/format.ts'
import type { Command } from '../../run-command.ts'

/** `holdfast undo <app> --list` */
export async function undoList(command: Command, app: App): Promise<number> {
  const retained = await listRetained(app, command.assembly.context)
  command.result({ retained }, () =>
    retained.length === 0 ? `Nothing is retained for undo of ${app.name}.` : tableOf(retained),
  )
  return 0
}

/** `holdfast undo <app> --forget <restore>` */
export async function undoForget(command: Command, app: App, restoreId: string, yes: boolean): Promise<number> {
  const { context } = command.assembly
  const planned = await planForget(app, restoreId, context)
  command.say(() => `Remove for good what restore ${restoreId} set aside:\n${tableOf(planned)}`)
  await confirmByTyping(command.world, app.name, 'remove it', yes)
  const forgotten = await forgetRetained(app, restoreId, context)
  command.result({ forgotten }, () => `Removed what restore ${restoreId} of ${app.name} had set aside.`)
  return 0
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
