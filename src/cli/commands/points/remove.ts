import { planRemove, removeOrder, type RemovePlan } from '../../../operations/remove/plan.ts'
import { runRemove, type RemoveReport } from '../../../operations/remove/run.ts'
import { confirmByTyping } from '../../ask/confirm.ts'
import { formatBytes, formatTime, noteLines } from '../../print/format.ts'
import type { Command } from '../../run-command.ts'

export interface RemoveOptions {
  readonly repository?: string
  readonly now?: boolean
  readonly accept?: readonly string[]
  readonly dryRun?: boolean
  readonly yes?: boolean
}

/** `holdfast remove <point>` */
export async function remove(command: Command, id: string, options: RemoveOptions): Promise<number> {
  const { apps, context } = command.assembly
  const { repository, now = false, accept: accepted = [] } = options
  const plan = await planRemove(apps, { id, repository, now, accepted }, context)
  if (options.dryRun === true) {
    command.result({ plan }, () => planText(plan))
    return 0
  }
  command.say(() => planText(plan))
  const act = now ? 'remove it for good' : 'remove it'
  await confirmByTyping(command.world, plan.confirmation, act, options.yes === true)
  const report = await runRemove(apps, removeOrder.parse(plan), context)
  command.result({ report }, () => reportText(report))
  return 0
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
