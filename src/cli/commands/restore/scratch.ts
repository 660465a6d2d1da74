import type { Command as Commander } from 'commander'
import type { ScratchSummary } from '../../../operations/scratch/remove.ts'
import { chooseApp, chooseApps } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatTime } from '../../print/format.ts'
import type { Command } from '../../run-command.ts'

export function addScratch(program: Commander, cli: Cli): void {
  const scratch = program.command('scratch').description('throw-away copies that restore --target scratch left running')
  scratch
    .command('list [app]')
    .description('list them, with how to look around in each')
    .action((name: string | undefined, _options: unknown, command: Commander) =>
      run(cli, command, (given) => list(given, name), true),
    )
  scratch
    .command('remove <id>')
    .description('end and remove one')
    .action((id: string, _options: unknown, command: Commander) => run(cli, command, (given) => remove(given, id)))
}

async function list({ assembly, result }: Command, name: string | undefined): Promise<Ending> {
  const { listScratches } = await import('../../../operations/scratch/remove.ts')
  const scratches = await listScratches(chooseApps(assembly.apps, name), assembly.context)
  result({ scratches }, () =>
    scratches.length === 0 ? 'Nothing is in a throw-away place on this machine.' : scratches.map(textOf).join('\n\n'),
  )
  return 'done'
}

async function remove({ assembly, result }: Command, id: string): Promise<Ending> {
  const { planScratchRemoval, runScratchRemoval } = await import('../../../operations/scratch/remove.ts')
  const { apps, context } = assembly
  const planned = await planScratchRemoval(apps, id, context)
  const removed = await runScratchRemoval(chooseApp(apps, planned.app), planned, context)
  result({ removed }, () => `Scratch ${removed.restoreId} of ${removed.app} is ended and removed.`)
  return 'done'
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
