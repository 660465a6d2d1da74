import type { Command as Commander } from 'commander'
import type { RemovePlan } from '../../../operations/remove/plan.ts'
import type { RemoveReport } from '../../../operations/remove/run.ts'
import { acceptOption } from '../../ask/accept-option.ts'
import { confirmByTyping } from '../../ask/confirm.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatBytes, formatTime, noteLines } from '../../print/format.ts'
import type { Command } from '../../run-command.ts'

interface RemoveOptions {
  readonly repository?: string
  readonly now?: boolean
  readonly accept?: readonly string[]
  readonly dryRun?: boolean
  readonly yes?: boolean
}

export function addRemove(program: Commander, cli: Cli): void {
  program
    .command('remove <point>')
    .description('remove one restore point by its id, if nothing protects it')
    .option('--repository <name>', 'from this repository only')
    .option('--now', 'free its space at once; nothing brings it back')
    .addOption(acceptOption('remove'))
    .option('-n, --dry-run', 'show what would be removed and stop')
    .option('-y, --yes', 'do not ask to type the start of its id')
    .action((id: string, options: RemoveOptions, command: Commander) =>
      run(cli, command, (given) => remove(given, id, options), options.dryRun),
    )
}

async function remove(command: Command, id: string, options: RemoveOptions): Promise<Ending> {
  const { planRemove, removeOrder } = await import('../../../operations/remove/plan.ts')
  const { runRemove } = await import('../../../operations/remove/run.ts')

  const { apps, context } = command.assembly
  const { repository, now = false, accept: accepted = [] } = options
  const plan = await planRemove(apps, { id, repository, now, accepted }, context)
  if (options.dryRun === true) {
    command.result({ plan }, () => planText(plan))
    return 'done'
  }
  command.say(() => planText(plan))
  const act = now ? 'remove it for good' : 'remove it'
  await confirmByTyping(command.ports, plan.confirmation, act, options.yes === true)
  const report = await runRemove(apps, removeOrder.parse(plan), context)
  command.result({ report }, () => reportText(report))
  return 'done'
}

function planText({ point, note, now, repositories }: RemovePlan): string {
  const end = now
    ? 'its space is freed at once, and NOTHING BRINGS IT BACK'
    : 'holdfast undelete brings it back for 72 hours'
  return [
    `Remove restore point ${point}: ${end}`,
    ...noteLines({ note }),
    ...repositories.map(({ name, state }) => `  in ${name}${state === 'listed' ? '' : ` (${state})`}`),
  ].join('\n')
}

function reportText({ point, repositories }: RemoveReport): string {
  return repositories
    .map(({ name, until, freedBytes }) =>
      until === null
        ? `Restore point ${point} is gone from ${name}; ${formatBytes(freedBytes)} are free again.`
        : `Restore point ${point} is removed from ${name}; until ${formatTime(until)} holdfast undelete ${point} brings it back, and then its space is freed.`,
    )
    .join('\n')
}
