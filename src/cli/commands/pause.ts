import { pauseOrder, planPause, runPause, type PausePlan } from '../../operations/pause/pause.ts'
import { confirmByTyping } from '../ask/confirm.ts'
import { quoted } from '../print/format.ts'
import { chooseApp, type Command } from '../run-command.ts'

export interface PauseOptions {
  readonly reason?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
}

/** `holdfast pause <app>` */
export async function pause(command: Command, name: string | undefined, options: PauseOptions): Promise<number> {
  const { apps, context } = command.assembly
  const app = chooseApp(apps, name)
  const plan = await planPause(app, options, context)
  if (options.dryRun === true) {
    command.result({ plan }, () => planText(plan))
    return 0
  }
  command.say(() => planText(plan))
  if (plan.workloads.length > 0)
    await confirmByTyping(command.world, plan.confirmation, 'stop these', options.yes === true)
  const report = await runPause(app, pauseOrder.parse(plan), context)
  command.result({ report }, () =>
    report.workloads.length === 0
      ? `Nothing of ${app.name} runs, so nothing was stopped.`
      : `${app.name} is paused: ${report.workloads.join(', ')} are stopped until holdfast resume ${app.name}.`,
  )
  return 0
}

function planText({ app, reason, workloads }: PausePlan): string {
  if (workloads.length === 0) return `Nothing of ${app} runs.`
  return [
    `Pause of ${app} until holdfast resume ${app}${reason === null ? '' : ` (${quoted(reason)})`} would`,
    ...workloads.map((workload) => `  stop ${workload}`),
  ].join('\n')
}
