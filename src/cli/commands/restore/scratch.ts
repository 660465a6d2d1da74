import {
  listScratches,
  planScratchRemoval,
  runScratchRemoval,
  type ScratchSummary,
} from '../../../operations/scratch/remove.ts'
import { formatTime } from '../../print/format.ts'
import { chooseApp, chooseApps, type Command } from '../../run-command.ts'

/** `holdfast scratch list [app]` */
export async function scratchList(command: Command, name: string | undefined): Promise<number> {
  const scratches = await listScratches(chooseApps(command.assembly.apps, name), command.assembly.context)
  command.result({ scratches }, () =>
    scratches.length === 0 ? 'Nothing is in a throw-away place on this machine.' : scratches.map(textOf).join('\n\n'),
  )
  return 0
}

/** `holdfast scratch remove <id>` */
export async function scratchRemove(command: Command, id: string): Promise<number> {
  const { apps, context } = command.assembly
  const planned = await planScratchRemoval(apps, id, context)
  const removed = await runScratchRemoval(chooseApp(apps, planned.app), planned, context)
  command.result({ removed }, () => `Scratch ${removed.restoreId} of ${removed.app} is ended and removed.`)
  return 0
}

function textOf(scratch: ScratchSummary): string {
  const { restoreId, app, purpose, point, state, started, until } = scratch
  const end = until === null ? '' : `, until ${formatTime(until)}`
  const hint = state === 'cut off' ? [`  remove it with holdfast scratch remove ${restoreId}, or holdfast prune`] : []
  return [
    `${restoreId}  ${purpose} of ${app} from ${point}: ${state} since ${formatTime(started)}${end}`,
    ...placeLines(scratch),
    ...hint,
  ].join('\n')
}

/** How to look at each component. */
export function placeLines({ folder, places }: ScratchSummary): readonly string[] {
  if (places.length === 0) return [`  folder ${folder}`]
  return places.flatMap(({ component, folder, server }) =>
    server === undefined
      ? [`  ${component}: folder ${folder}`]
      : [
          `  ${component}: database ${server.database}, user ${server.user}, port ${server.port}, socket in ${server.host}`,
          `    ${server.command}`,
        ],
  )
}
